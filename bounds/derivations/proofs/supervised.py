"""Proofs of `supervised` and `supervised_projected`: uniform over a grid of head classes (theory §5)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import supervised
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import complexity, concentration, geometry, heads
from bounds.derivations.quantities import (
    head_complexity,
    linear_complexity,
    loss,
    mean_residual_S,
    projected_loss,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import B, K, beta, delta, n, projected_S, residual_S, weight_j


def gaussian_ball(moment: sp.Expr) -> list[Step]:
    """R̃(W_β∘f) ≤ √(π/2)·R̃_g ≤ √(π/2)·β√(K·E‖A⁻¹z‖²)."""
    return [
        heads.gaussian_comparison(),
        Step(
            "complexity of the head class",
            sp.Le(head_complexity, sp.sqrt(sp.pi / 2) * linear_complexity, evaluate=False),
            "signs to Gaussians",
            "falsification",
            lambda: heads.gaussian_comparison().result,
        ),
        heads.metric_ball(),
        Step(
            "ball of heads",
            sp.Le(linear_complexity, beta * sp.sqrt(K * moment), evaluate=False),
            "ball in the metric A; Jensen for the norm of a Gaussian sum",
            "falsification",
            lambda: heads.metric_ball().result,
        ),
    ]


def proof(*, projected: bool = False) -> Derivation:
    """Symmetrisation, contraction and McDiarmid on S itself."""
    goal, residual = (projected_loss, projected_S) if projected else (loss, mean_residual_S)
    steps = [
        *(geometry.simplex_projection() if projected else [geometry.loss_range()]),
        complexity.symmetrisation(),
        concentration.mcdiarmid_theorem(),
        concentration.mcdiarmid(
            "head on S",
            goal,
            residual + 2 * head_complexity / sp.sqrt(n),
            sp.sqrt(2) if projected else 1 + beta * B,
            delta * weight_j,
            n,
            head_complexity,
            "Uniform over heads of radius beta, because the head was fitted on S.",
            spends=delta,
        ),
        complexity.radius_grid(),
    ]
    if projected:
        steps += gaussian_ball(B**2)
    else:
        steps += [complexity.vector_contraction(), *complexity.head_ball(), geometry.jensen("n")]
        steps.append(
            Step(
                "residual on S",
                sp.Le(mean_residual_S, residual_S, evaluate=False),
                "Jensen's inequality (equality where the mean itself is reported)",
                "symbolic",
                lambda: geometry.jensen("n").result,
            )
        )
    return conclude(
        "supervised_projected" if projected else "supervised",
        goal,
        steps,
        supervised.expression(projected=projected),
        delta,
        sizes=(n,),
        floor=projected_S if projected else residual_S,
        grows=(K, beta, B, projected_S, residual_S),
    )


def projected() -> Derivation:
    """The same for the projected head."""
    return proof(projected=True)
