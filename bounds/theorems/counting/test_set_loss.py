"""`test_set_loss`: the projected loss of test items.

E‖Π(W f(x)) − y‖ ≤ √2·kl⁻¹(mean/√2; ln(1/δ)/N).
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_mean
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import kl_limit
from bounds.proofs.terms import E, Mean
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vocabulary import TEST, W, concluded, delta, projected


@cache
def proof() -> Conclusion:
    """One step: a projected prediction and a label are points of the simplex, at most √2 apart."""
    return concluded(kl_limit(Mean(TEST, projected(W)), delta), E(projected(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    losses = test_mean(evidence, evidence.head)
    values = {"N": losses.trials, "projected_H": losses.mean, "delta": delta}
    return Inputs.proven(proof(), values, {"delta": delta}, evidence.head)


TEST_SET_LOSS = Theorem(
    name="test_set_loss",
    title="held-out labels, kl limit of the projected loss",
    source="Hoeffding (1963), Thm 1, inverted",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    inputs=_inputs,
    texts={"test_loss": ("measured projected loss on the held-out items", "a better head")},
    proof=proof,
)
