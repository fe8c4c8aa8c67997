"""Luthra, Yang and Galanti (2025): few-shot two-way error from class-distance-normalised variances."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.symbols import symbol

shots = symbol("shots", r"n_{\min}", "labels per class of the few-shot classifier", positive=True)
variance_ratio = symbol(
    "variance_ratio", "V", "mean of (v_1 + v_2)/(2‖μ_1 − μ_2‖²) over pairs of classes", positive=True
)
directional = symbol(
    "directional", r"V_\perp", "the same along the line through the two means", positive=True
)


@cache
def expression() -> Expression:
    r"""√2·V/(2As)·(y + 2A)(y + 4A), A = 2 + 2^{3/2}/s, F = V⊥As/(√2V), D = A² − 8F/27.

    Where D < 0, y is the positive root of y³ = 8F·y + 16AF. Where D ≥ 0 the authors' code takes the cube
    roots of 4F(2A ± √D), and so do we; those of 4F(2A ± 2√D) would give the root, which is smaller.
    """
    a = 2 + 2 ** sp.Rational(3, 2) / shots
    f = directional * a * shots / (sp.sqrt(2) * variance_ratio)
    discriminant = a**2 - 8 * f / 27
    root = sp.sqrt(sp.Max(0, discriminant))
    third = sp.Rational(1, 3)
    cardano = (4 * f * (2 * a + root)) ** third + (4 * f * (2 * a - root)) ** third
    cosine = sp.Min(1, 3 * a * sp.sqrt(3 / (8 * f)))
    y = sp.Piecewise(
        (cardano, discriminant >= 0), (4 * sp.sqrt(2 * f / 3) * sp.cos(third * sp.acos(cosine)), True)
    )
    return Expression({"few_shot": sp.sqrt(2) * variance_ratio / (2 * a * shots) * (y + 2 * a) * (y + 4 * a)})
