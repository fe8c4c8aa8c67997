"""A proof as numbered steps."""

import pytest
import sympy as sp

from bounds.proofs.present import presented
from bounds.theorems import THEOREMS
from bounds.theorems.derive import derive

PROVEN = {name: theorem.proof for name, theorem in THEOREMS.items() if theorem.proof is not None}


@pytest.mark.parametrize("name", PROVEN)
def test_derive_shows_the_proof_and_the_bound(name):
    proof = derive(name)
    assert proof.expression is PROVEN[name]().expression
    assert len(proof.steps) == len(PROVEN[name]().fact.steps)
    assert all(step.latex for step in proof.steps)
    assert proof.latex().isascii()


def test_steps_are_numbered_in_the_order_of_the_proof():
    shown = presented("vicreg_direct", PROVEN["vicreg_direct"](), {})
    assert shown.steps[-1].statement.lhs == PROVEN["vicreg_direct"]().fact.lhs
    assert str(sp.Add(*(step.spends for step in shown.steps))) == "delta_1 + delta_2 + delta_5"
