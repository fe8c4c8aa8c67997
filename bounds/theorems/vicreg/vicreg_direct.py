"""`vicreg_direct`: Theorem 2 without labels of the pairs, the reference head being zero.

E‖W_S f − y‖ ≤ r̂_S + ‖W_S‖₂·(Î + 2R̃_m(F)/√m + τ√(ln(1/δ₂)/(2m)) + τ√(ln(1/δ₁)/(2n))) + κ_S·TV.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.geometry import operator, triangle
from bounds.proofs.lemmas.reading import class_shift
from bounds.proofs.terms import Apply
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import sizes
from bounds.theorems.vicreg.theorem_2 import (
    SOURCE,
    Residual,
    distances,
    labeled_values,
    reported,
    split,
    variant,
)
from bounds.theorems.vocabulary import LOSS, S, W, concluded, pairs, residual, y, z, z2


@cache
def proof(
    *, prior_known: bool = False, conditioned_pairs: bool = False, residuals: Residual = "mean"
) -> Conclusion:
    """Steps 1 to 5 and 8 of the theorem."""
    P = pairs(conditioned_pairs)
    moved = triangle(Apply(W, z2) - y, Apply(W, z) - y, Apply(W, z2 - z))
    sample = moved.chain(operator(W, z2 - z)).average(S)
    bound = class_shift(residual(W), S).chain(sample, *distances(P))
    return concluded(reported(bound, P, residuals, prior_known), LOSS)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    paid = split(evidence, delta, "delta_1", "delta_2")
    values = {**sizes(evidence), **labeled_values(evidence), **paid}
    return Inputs.proven(proof(**variant(evidence)), values, paid, evidence.head)


DIRECT = Theorem(
    name="vicreg_direct",
    title="VICReg bound without labels of the pairs",
    source="this package, from the proof of " + SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    proof=proof,
)
