"""The exact second-moment form of Theorem 2 (theory §3b): bias of K class means plus half the invariance."""

from __future__ import annotations

from functools import cache
from typing import Literal

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import empirical_bernstein, klein_rio, pinelis, weissman
from bounds.derivations.symbols import (
    K,
    TV_pairs,
    V_head,
    W_norm,
    bias,
    class_excess,
    delta_1,
    delta_2,
    delta_5,
    half_invariance,
    heads,
    m,
    n,
    n_min,
    reach,
    tau,
    variance_total,
)

Concentration = Literal["pinelis", "klein_rio"]


@cache
def class_mean_radius(concentration: Concentration = "pinelis") -> sp.Expr:
    """Bound g on √(Σ_y p̂_y‖μ̂_y − μ_y‖²): the norm of a sum of independent centred (z_i − μ_y)/√(n·n_y).

    In any one direction a summand has range τ/√(n·n_y), hence variance at most τ²/(4n·n_y).
    """
    step = tau / sp.sqrt(n * n_min)
    if concentration == "pinelis":
        return pinelis(step, variance_total / n, delta_1)
    return klein_rio(step, variance_total / n, tau**2 / (4 * n), delta_1)


def head_range() -> sp.Expr:
    """R = ½‖W‖₂²τ², the range of ½‖WΔ‖²."""
    return W_norm**2 * tau**2 / 2


@cache
def expression(
    *,
    prior_known: bool = False,
    conditioned_pairs: bool = False,
    concentration: Concentration = "pinelis",
) -> Expression:
    """Bound on E‖W f − y‖², reported as its square root; terms are in squared loss."""
    means = W_norm * class_mean_radius(concentration)
    terms = {
        "class_bias": bias,
        "class_means": 2 * sp.sqrt(bias) * means + means**2,
        "half_invariance": half_invariance,
        "confidence": empirical_bernstein(V_head, head_range(), delta_2 / heads, m),
        "class_frequencies": class_excess if prior_known else reach**2 * weissman(K, delta_5, n),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = head_range() * TV_pairs
    return Expression(terms, combine="root")
