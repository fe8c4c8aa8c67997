"""Luthra, Yang and Galanti (2025): few-shot error from class-distance-normalised variances."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.symbols import K, symbol

shots = symbol("shots", "m", "labels a class of the few-shot rule", positive=True)
variance_ratio = symbol(
    "variance_ratio", "V", "mean of (v_1 + v_2)/(2‖μ_1 − μ_2‖²) over pairs of classes", positive=True
)
directional = symbol(
    "directional", r"\tilde V", "the same along the line through the two means", positive=True
)
a = symbol(
    "a", "a", "a number above 4 + 2^{5/2}/m, at least 5, at which the bound is smallest", positive=True
)


@cache
def expression() -> Expression:
    r"""(K − 1)·[(½ − 2/a − 2^{3/2}/(am))⁻²Ṽ + (a/4)((2/√m)(√V + V) + V/m)], where the bracket is positive."""
    bracket = sp.Rational(1, 2) - 2 / a - 2 ** sp.Rational(3, 2) / (a * shots)
    rest = 2 / sp.sqrt(shots) * (sp.sqrt(variance_ratio) + variance_ratio) + variance_ratio / shots
    return Expression(
        {"along": (K - 1) * directional / bracket**2, "shots_spread": (K - 1) * a / 4 * rest},
        requires=(sp.Gt(bracket, 0), sp.Ge(a, 5)),
    )
