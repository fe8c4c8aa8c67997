"""The complexity of a ball of heads, for the proof of `centred_head`."""

from __future__ import annotations

import sympy as sp

from bounds.derivations.lemmas import heads
from bounds.derivations.quantities import (
    head_complexity,
    linear_complexity,
)
from bounds.derivations.steps import Step
from bounds.derivations.symbols import K, beta


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
