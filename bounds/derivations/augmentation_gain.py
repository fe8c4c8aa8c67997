"""What augmentation pairs certify (theory §3c): the cost of lacking invariance, and an error from below.

For any predictor g and views independent given the image u, with ḡ(u) = E[g(x) | u],
E‖g(x) − e_y‖² − E‖ḡ(u) − e_y‖² = ½E‖g(x⁺) − g(x⁺⁺)‖²: the variance around ḡ, whatever the label.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import empirical_bernstein, unequal_trials
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m, symbol

gain = symbol(
    "gain", r"\tfrac1m\sum\tfrac12\|g(x^+)-g(x^{++})\|^2", "mean half squared distance of projected scores"
)
gain_variance = symbol("gain_variance", r"\hat V_U", "sample variance of ½‖g(x⁺) − g(x⁺⁺)‖²")
cross = symbol(
    "cross", r"\tfrac1N\sum\langle r^+,r^{++}\rangle", "mean inner product of the residuals of two views"
)
cross_variance = symbol("cross_variance", r"\hat V_H", "sample variance of ⟨r⁺, r⁺⁺⟩")
agreements = symbol("agreements", "m-k", "pairs on whose two views the head decides alike")


@cache
def upper() -> Expression:
    """Upper end of the interval at δ₁ + δ₂; each value lies in [0, 1]."""
    return Expression(
        {"gain": gain, "confidence": empirical_bernstein(gain_variance, sp.Integer(1), delta_1, m)}
    )


@cache
def lower() -> Expression:
    """Lower end of the same interval."""
    radius = empirical_bernstein(gain_variance, sp.Integer(1), delta_2, m)
    return Expression({"gain": gain, "confidence": -radius}, below=True)


@cache
def risk() -> Expression:
    """E‖g(x) − e_y‖²: ⟨r⁺, r⁺⁺⟩ ∈ [0, 2] is unbiased for the risk of ḡ, the gain is the rest."""
    return Expression(
        {
            "averaged_risk": cross,
            "gain": gain,
            "confidence": empirical_bernstein(cross_variance, sp.Integer(2), delta_1, N)
            + empirical_bernstein(gain_variance, sp.Integer(1), delta_2, m),
        }
    )


@cache
def error_floor(*, conditioned_pairs: bool = False) -> Expression:
    """½P(h(x⁺) ≠ h(x⁺⁺)) from below: where two views of one label are told apart, one of them is wrong."""
    disagreements = m - agreements
    level = unequal_trials(delta_1) if conditioned_pairs else delta_1
    shift = TV_pairs / 2 if conditioned_pairs else sp.Integer(0)
    return Expression(
        {
            "half_disagreement": disagreements / (2 * m),
            "confidence": (1 - clopper_pearson(agreements, m, level)) / 2 - disagreements / (2 * m) - shift,
        },
        below=True,
    )
