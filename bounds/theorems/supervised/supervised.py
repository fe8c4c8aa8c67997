"""`supervised`: standard training on a frozen encoder, uniformly over a ball of heads.

E‖W_S f − y‖ ≤ r̂_S + 2√2β√K·B/√n + (1 + βB)√(ln(1/(δw_j))/(2n)),  β = 2^j ≥ ‖W_S‖_F.
"""

from __future__ import annotations

import math
from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.heads.linear import require_affine
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import uniform
from bounds.proofs.lemmas.geometry import head_ball, root_mean_square
from bounds.proofs.terms import Mean, Rad
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.head_class import radius_index
from bounds.theorems.vicreg.theorem_2 import Residual
from bounds.theorems.vocabulary import BALL, LOSS, RADII, K, S, W, concluded, delta, residual

SOURCE = "Bartlett and Mendelson (2002), Thm 8; Maurer (2016), Cor. 4; grid of radii of this package"
TEXTS = {"head_complexity": ("Rademacher complexity of linear heads on S", "more labels, a smaller head")}


@cache
def proof(*, residuals: Residual = "mean") -> Conclusion:
    """Uniform convergence over the smallest ball of the grid that holds the head."""
    bound = uniform(Mean(S, residual(W)), delta, BALL, over=(RADII,))
    (complexity,) = bound.rhs.atoms(Rad)
    bound = bound.chain(head_ball(complexity, K))
    if residuals == "frobenius":
        bound = bound.chain(root_mean_square(Mean(S, residual(W))))
    return concluded(bound, LOSS)


def values(evidence: Evidence, delta: float, per_octave: int) -> dict[str, float]:
    """Numbers of the head on S, its ball at 2^{j/per_octave}."""
    head = require_affine(evidence.head)
    setting, losses = evidence.setting, evidence.labeled_losses(head)
    # An intercept is the weight of one more coordinate, which is one for every item.
    norm, radius = head.frobenius_norm, setting.radius
    if head.bias is not None:
        norm, radius = math.hypot(norm, float(head.bias.norm())), math.hypot(radius, 1.0)
    return {
        **radius_index(norm, per_octave),
        "W_frobenius": norm,
        "n": evidence.n,
        "K": setting.num_classes,
        "B": radius,
        "residual_S": losses.mean_residual,
        "rms_S": losses.rms_residual,
        "projected_S": losses.projected_residual,
        "delta": delta,
    }


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    found = proof(residuals=evidence.setting.residual)
    return Inputs.proven(found, values(evidence, delta, 1), {"delta": delta}, evidence.head)


SUPERVISED = Theorem(
    name="supervised",
    title="supervised Rademacher bound on a frozen encoder",
    source=SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    texts=TEXTS,
    proof=proof,
)
