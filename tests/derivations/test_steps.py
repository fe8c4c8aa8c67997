"""A proof prints its steps, each with its check."""

import pytest

from bounds.theorems.derive import derive


@pytest.mark.parametrize("name", ["vicreg_certified", "reference_head"])
def test_a_chain_holds_and_says_how(name):
    derivation = derive(name)
    text = str(derivation)
    assert derivation.holds, text
    for number, step in enumerate(derivation.steps, 1):
        assert f"{number:2d}. {step.name}" in text
        assert step.result.detail in text
    assert {step.kind for step in derivation.steps} >= {"symbolic", "cited"}
