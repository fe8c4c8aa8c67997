"""Spectral contrastive loss, after HaoChen et al. (2021): a squared-loss bound for the scaled class means."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import (
    delta_loss,
    fixed_counts,
    p_min,
    share_of_functions,
    span,
    u_statistic,
)
from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import hoeffding
from bounds.derivations.symbols import B, TV_pairs, m, symbol

alignment = symbol("alignment", r"\hat P", "(1/m) Σ f(x⁺)ᵀf(x⁺⁺)", real=True)
similarity = symbol("similarity", r"\hat N", "mean of (f(x_i⁺)ᵀf(x_j⁺))² over i ≠ j")
head_scale = symbol("head_scale", r"\alpha", "scale of the head W = α[μ_1 .. μ_K]ᵀ, free after the data")


def alignment_loss() -> sp.Expr:
    """Deviation of P̂ from P = Σ p_c‖μ_c‖², at half of δ."""
    return hoeffding(span, share_of_functions(delta_loss / 2), m)


def similarity_loss() -> sp.Expr:
    """Deviation of N̂ from N = E(f(x)ᵀf(x⁻))² with values in [0, B⁴], at half of δ."""
    return u_statistic(B**4, share_of_functions(delta_loss / 2))


@cache
def expression(*, conditioned_pairs: bool = False) -> Expression:
    r"""E‖W f − y‖² ≤ 1 − 2αP + (α²/p_min)N, W = α[μ_1 .. μ_K]ᵀ, for all α at once.

    E‖W f − y‖² = 1 − 2α Σp_c‖μ_c‖² + α² Σ_c E(μ_cᵀf)², and Σ_c p_c(μ_cᵀf)² ≤ E_{x⁻}(f(x⁻)ᵀf)² by Jensen. With
    α = p_min = 1/K this is (K + L_spectral)/K, the distance of the spectral loss from its minimum −K.
    """
    square = head_scale**2 / p_min
    terms = {
        "constant": sp.Integer(1),
        "alignment": -2 * head_scale * alignment,
        "similarity": square * similarity,
        "confidence": 2 * head_scale * alignment_loss() + square * similarity_loss(),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = 2 * head_scale * B**2 * TV_pairs + square * fixed_counts(B**4)
    return Expression(terms, combine="root")
