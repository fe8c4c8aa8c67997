"""Luthra, Salunkhe and Galanti (2026): few-shot error from moments of the classes, as printed and exactly."""

from __future__ import annotations

from functools import cache

from bounds.derivations.expression import Expression
from bounds.derivations.symbols import symbol

_PAIRS = "over pairs of classes, each over what its own variance allows"
axis = symbol("axis_part", "A", f"spread of items along the line between two means, {_PAIRS}")
other_axis = symbol("other_axis_part", r"A'", f"noise of the other mean along that line, {_PAIRS}")
cross = symbol("cross_part", "C", f"items against the noise of the means, {_PAIRS}")
square = symbol("square_part", "Q", f"squared noise of the means, {_PAIRS}")
skew = symbol("skew_part", r"\kappa", f"third moments, {_PAIRS}", real=True)
shots_spread = symbol("shots_spread_part", "R", f"all that more shots average, {_PAIRS}")
lost = symbol(
    "reversed_part", r"\ell", "pairs of classes whose means the noise of the shots reverses, counted one"
)
expected = symbol("conditional_part", r"\bar C", "mean over items of the limit given the item")


@cache
def printed() -> Expression:
    """Σ_j [4Ṽ + (√E₁ + √E₂ + √E₃)²]/(1 + (v_j − v_i)/(md²))², mean over i, in two summands."""
    return Expression({"axis": axis, "shots_spread": shots_spread, "reversed": lost})


@cache
def exact() -> Expression:
    """Σ_i p_i min(1, Σ_j W/(W + a²)) by the parts of W."""
    return Expression(
        {
            "axis": axis,
            "other_axis": other_axis,
            "cross": cross,
            "square": square,
            "skew": skew,
            "reversed": lost,
        }
    )


@cache
def conditional() -> Expression:
    """Mean over items of min(1, Σ_j s²/(s² + a²))."""
    return Expression({"conditional": expected})
