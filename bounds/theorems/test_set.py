"""`test_set`: the certificate that N held-out labels give, the floor beside every other bound."""

from __future__ import annotations

from bounds.derivations import test_set as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    losses = evidence.head_test_losses
    values = {"N": losses.count, "mistakes": losses.mistakes, "delta": delta}
    return Inputs(derivation.expression(), values, {"delta": delta}, evidence.head)


TEST_SET = Theorem(
    name="test_set",
    title="held-out labels, Clopper-Pearson",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`",
    assumptions=("H",),
    inputs=_inputs,
    texts={},
    axis=ERROR,
)
