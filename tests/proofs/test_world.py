"""Facts in random worlds: those of all proofs hold, a false one is found."""

import pytest
import sympy as sp

from bounds.proofs.world import checked, gaps
from bounds.theorems import THEOREMS

PROVEN = {name: theorem.proof for name, theorem in THEOREMS.items() if theorem.proof is not None}


@pytest.mark.parametrize("name", PROVEN)
def test_facts_that_cannot_fail_hold_in_random_worlds(name):
    for fact in PROVEN[name]().fact.steps:
        if not fact.events:
            found = checked(fact)
            assert found.holds, f"{fact}: {found.detail}"


def test_the_triangle_and_its_average_are_tight_somewhere():
    for fact in PROVEN["vicreg_direct"]().fact.steps:
        if fact.rule in ("triangle inequality", "spectral norm", "average"):
            assert min(gaps(fact)) == pytest.approx(0, abs=1e-9)


def test_a_false_fact_is_found_by_the_worlds():
    from bounds.proofs.facts import Fact
    from tests.proofs.test_facts import fact

    step = next(one for one in PROVEN["vicreg_direct"]().fact.steps if one.rule == "triangle inequality")
    wrong = fact(step.lhs, step.rhs * sp.Rational(19, 20))
    assert isinstance(wrong, Fact)
    assert not checked(wrong).holds
