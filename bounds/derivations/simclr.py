"""The bound of Arora et al. (2019), theory §4: from the contrastive loss to the mean classifier's."""

from __future__ import annotations

from functools import cache
from typing import Literal

import sympy as sp

from bounds.derivations.contrastive import (
    collision,
    contrastive_loss,
    delta_loss,
    fixed_counts,
    log_collisions,
    negatives,
    no_collision,
    rounding,
    scale,
    scales,
    share_of_functions,
    span,
    u_statistic,
    vector_contraction,
)
from bounds.derivations.expression import Expression

Loss = Literal["hinge", "logistic"]


def largest_margin() -> sp.Expr:
    """|s²·f(x)ᵀ(f(x⁺) − f(x⁻))| ≤ s²r."""
    return scale**2 * span


def loss_at(loss: Loss, margin: sp.Expr) -> sp.Expr:
    """ℓ with all k margins equal: max(0, 1 − v), or log₂(1 + k·e^{−v})."""
    if loss == "hinge":
        return sp.Max(0, 1 - margin)
    return sp.log(1 + negatives * sp.exp(-margin)) / sp.log(2)


def loss_range(loss: Loss) -> sp.Expr:
    """ℓ(−s²r) − ℓ(s²r)."""
    return loss_at(loss, -largest_margin()) - loss_at(loss, largest_margin())


@cache
def expression(loss: Loss, *, many: bool = False, conditioned_pairs: bool = False) -> Expression:
    """(L_un − Col)/(1 − τ_k): a collided negative costs what a zero margin costs; Col = τ_c for k = 1.

    Jensen over x⁺ and x⁻ given the classes gives L_un ≥ (1 − τ_k)·L_sup^μ + Col, as the margin of a
    negative of the anchor's class has mean zero and ℓ falls when a negative is taken away.

    Args:
        loss: ℓ.
        many: More than one negative.
        conditioned_pairs: The class counts of the pairs were fixed, and all ordered pairs of items are used.
    """
    collided = log_collisions / sp.log(2) if loss == "logistic" and many else collision
    lipschitz = scale**2 * (1 if loss == "hinge" else 1 / sp.log(2))
    spread = loss_range(loss)
    terms = {
        "contrastive_loss": contrastive_loss,
        "collisions": -collided,
        "representation_complexity": vector_contraction(lipschitz),
        "confidence": u_statistic(spread, share_of_functions(delta_loss / scales)),
        "rounding": rounding,
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = fixed_counts(spread)
    return Expression({name: term / no_collision for name, term in terms.items()})


@cache
def largest_loss(loss: Loss) -> Expression:
    """ℓ(−s²r): what remains where L_un is at least ℓ(0) and τ_c is unknown."""
    return Expression({"largest_loss": loss_at(loss, -largest_margin())})
