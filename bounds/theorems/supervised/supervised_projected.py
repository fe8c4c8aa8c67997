"""`supervised_projected`: the same for the head projected on the simplex, by Gaussian comparison.

E‖Π(W_S f) − y‖ ≤ r̂ᴨ_S + 2√(π/2)β√K·B/√n + √2·√(ln(1/(δw_j))/(2n)),  β = 2^{j/4} ≥ ‖W_S‖_F.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import uniform
from bounds.proofs.lemmas.geometry import head_ball
from bounds.proofs.terms import E, Mean, Rad
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.supervised.supervised import SOURCE, TEXTS, values
from bounds.theorems.vocabulary import FINE_BALL, RADII, K, S, W, concluded, delta, projected


@cache
def proof() -> Conclusion:
    """Uniform convergence; projecting is 1-Lipschitz and keeps labels, so the complexity is that of the ball."""
    bound = uniform(Mean(S, projected(W)), delta, FINE_BALL, over=(RADII,))
    (complexity,) = bound.rhs.atoms(Rad)
    return concluded(bound.chain(head_ball(complexity, K, gaussian=True)), E(projected(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return Inputs.proven(proof(), values(evidence, delta, 4), {"delta": delta}, evidence.head)


SUPERVISED_PROJECTED = Theorem(
    name="supervised_projected",
    title="supervised Rademacher bound, head projected on the simplex",
    source=SOURCE + "; Sudakov-Fernique in place of vector contraction",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    inputs=_inputs,
    texts={**TEXTS, "labeled_residual": ("projected training residual on S", "linear separability on S")},
    proof=proof,
)
