"""`vicreg_certified`: Theorem 2 with the constants counted; the reference head V is fitted on the pairs.

E‖W_S f − y‖ ≤ r̂_S + c·(Î + 2R̃_m(F)/√m + τ√(ln(1/δ₂)/(2m)) + τ√(ln(1/δ₁)/(2n)))
    + 2·(r̂_S̄ + 2√2β√K·B/√m + (1 + βB)√(ln(J/(δ₄w_j))/(2m)) + κ_S̄√(ln(1/δ₃)/(2n))) + κ_S·TV,  c = ‖W_S − W_S̄‖₂.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.geometry import operator, triangle
from bounds.proofs.lemmas.reading import class_shift
from bounds.proofs.terms import Apply, Fresh, Mean
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import sizes
from bounds.theorems.vicreg.theorem_2 import (
    SOURCE,
    Residual,
    d3,
    distances,
    labeled_values,
    reference_residual,
    reference_values,
    reported,
    split,
    variant,
)
from bounds.theorems.vocabulary import LOSS, S, V, W, concluded, pairs, residual, y, z, z2


def steps(prior_known: bool, conditioned_pairs: bool, residuals: Residual) -> Fact:
    """Steps 1 to 8 of the theorem."""
    P = pairs(conditioned_pairs)
    parts = Apply(W, z) - y, Apply(W - V, z2 - z), y - Apply(V, z), Apply(V, z2) - y
    sample = triangle(Apply(W, z2) - y, *parts).chain(operator(W - V, z2 - z)).average(S)
    reference = hoeffding(Mean(S, residual(V) + Fresh(residual(V, z2))), d3, "head_labeled", upper=False)
    bound = class_shift(residual(W), S).chain(sample, *distances(P), reference, *reference_residual(P))
    return reported(bound, P, residuals, prior_known)


@cache
def proof(
    *, prior_known: bool = False, conditioned_pairs: bool = False, residuals: Residual = "mean"
) -> Conclusion:
    """Steps 1 to 8 of the theorem."""
    return concluded(steps(prior_known, conditioned_pairs, residuals), LOSS)


def inputs(evidence: Evidence, delta: float) -> Inputs:
    """The numbers of the bound."""
    paid = split(evidence, delta, "delta_1", "delta_2", "delta_3", "delta_4")
    values = {**sizes(evidence), **reference_values(evidence), **labeled_values(evidence), **paid}
    return Inputs.proven(proof(**variant(evidence)), values, paid, evidence.head)


CERTIFIED = Theorem(
    name="vicreg_certified",
    title="VICReg bound, same proof, constants counted",
    source=SOURCE + "; constants counted step by step",
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    inputs=inputs,
    proof=proof,
)
