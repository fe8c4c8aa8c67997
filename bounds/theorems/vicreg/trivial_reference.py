"""`trivial_reference`: the residual of the reference head plus how far the head is from it.

E‖W_S f − y‖ ≤ E‖y − W_S̄ f‖ + c·B, the first bounded as in step 7 of Theorem 2.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.geometry import bounded, operator, root_mean_square, triangle
from bounds.proofs.terms import Apply, Mean
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import sizes
from bounds.theorems.vicreg.theorem_2 import SOURCE, Residual, reference_residual, reference_values
from bounds.theorems.vocabulary import LOSS, V, W, concluded, pairs, residual, y, z


@cache
def proof(*, conditioned_pairs: bool = False, residuals: Residual = "mean") -> Conclusion:
    """Triangle inequality for a new item, then step 7 at the whole δ."""
    P = pairs(conditioned_pairs)
    moved = triangle(Apply(W, z) - y, Apply(V, z) - y, Apply(W - V, z))
    bound = moved.chain(operator(W - V, z), bounded(z)).expect().chain(*reference_residual(P))
    if residuals == "frobenius":
        bound = bound.chain(root_mean_square(Mean(P, residual(V))))
    return concluded(bound, LOSS)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    setting = evidence.setting
    values = {**sizes(evidence), **reference_values(evidence), "delta_4": delta}
    conclusion = proof(conditioned_pairs=setting.conditioned_pairs, residuals=setting.residual)
    return Inputs.proven(conclusion, values, {"delta_4": delta}, evidence.head)


TRIVIAL = Theorem(
    name="trivial_reference",
    title="one-line reference: residual of W_S̄ plus c·B",
    source="triangle inequality; step 7 of the proof of " + SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    texts={"unlabeled_residual": ("residual of the reference head on S̄", "linear separability on S̄")},
    proof=proof,
)
