"""Norms of sums of independent vectors: Pinelis, Klein and Rio, held against exact multinomials."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import Array, binomial, largest_ratio, multinomials, upper_tail
from bounds.derivations.quantities import deviation, probability
from bounds.derivations.search import falsify
from bounds.derivations.steps import Result, Step

t = deviation
a, w, E, s2 = sp.symbols("a w E s2", positive=True)


def pinelis_scale(radius: sp.Expr, step: sp.Expr, variance: sp.Expr) -> sp.Expr:
    """2(σ² + ar/3): the tail is 2 exp(−r²/that)."""
    return 2 * (variance + step * radius / 3)


def klein_rio_scale(excess: sp.Expr, step: sp.Expr, weak: sp.Expr, mean: sp.Expr) -> sp.Expr:
    """2v + 3at, v = w + 2aE: the tail is exp(−t²/that)."""
    return 2 * (weak + 2 * step * mean) + 3 * step * excess


def _sums() -> Iterator[tuple[Array, Array, float, float, float]]:
    """Norm of a sum of N centred vectors: its values, their probabilities, a, the sum of variances, and w.

    Scalars X − p with X Bernoulli(p), and vectors e_J − p with J a class.
    """
    for size in (1, 3, 20, 100):
        for p in (0.01, 0.1, 0.5):
            norm = np.abs(np.arange(size + 1) - size * p)
            variance = size * p * (1 - p)
            yield norm, binomial(size, p), max(p, 1 - p), variance, variance
    for prior in (
        np.array([0.5, 0.3, 0.2]),
        np.array([0.9, 0.05, 0.05]),
        np.full(4, 0.25),
        np.array([0.97, 0.01, 0.01, 0.01]),
    ):
        for size in (1, 3, 12):
            counts, weight = multinomials(size, prior)
            norm = np.linalg.norm(counts - size * prior, axis=1)
            largest = float(np.linalg.norm(np.eye(len(prior)) - prior, axis=1).max())
            weak = float(np.linalg.eigvalsh(np.diag(prior) - np.outer(prior, prior)).max())
            yield norm, weight, largest, size * float(1 - (prior**2).sum()), size * weak


@cache
def pinelis_theorem() -> Step:
    """Bernstein's inequality for the norm of a sum of vectors in a Hilbert space."""
    bound = 2 * sp.exp(-(t**2) / pinelis_scale(t, a, s2))

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((t, a, s2), bound, "numpy")
        for norm, weight, largest, variance, _ in _sums():
            v, tail = upper_tail(norm, weight)
            yield tail, number(v, largest, variance)

    u, bennett = sp.symbols("u bennett", nonnegative=True)
    weaker = sp.Le(u**2 / (2 * (1 + u / 3)), bennett, evaluate=False)

    def exponents(x: Array) -> dict[sp.Symbol, Array]:
        # Away from zero, where both sides are of second order and float64 cancels.
        size = np.exp(np.clip(x[:, 0], -4, 4))
        return {u: size, bennett: (1 + size) * np.log1p(size) - size}

    def check() -> Result:
        from_bennett = falsify(weaker, exponents, 1)
        return largest_ratio(cases(), "norms of sums") & from_bennett

    return Step(
        "Pinelis's inequality",
        sp.Le(probability, bound, evaluate=False),
        "Bennett's inequality in a Hilbert space, weakened to Bernstein's form",
        "cited",
        check,
        source="Pinelis (1994), Theorem 3.4",
        display=r"\mathbb P\big(\|\textstyle\sum_iX_i\|\ge "
        r"r\big)\le2\exp\Big(-\frac{r^2}{2(\sigma^2+ar/3)}\Big),"
        r"\qquad\|X_i\|\le a,\ \sum_i\mathbb E\|X_i\|^2\le\sigma^2",
    )


@cache
def klein_rio_theorem() -> Step:
    """Concentration of the same norm around its expectation."""
    bound = sp.exp(-(t**2) / klein_rio_scale(t, a, w, E))

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((t, a, w, E), bound, "numpy")
        for norm, weight, largest, _, weak in _sums():
            mean = float((norm * weight).sum())
            v, tail = upper_tail(norm - mean, weight)
            yield tail[v > 0], number(v[v > 0], largest, weak, mean)

    return Step(
        "Klein-Rio inequality",
        sp.Le(probability, bound, evaluate=False),
        "suprema of empirical processes: the functions <u, .>, u in the unit ball, are centred and lie in "
        "[-a, a]",
        "cited",
        lambda: largest_ratio(cases(), "norms of sums"),
        source="Klein and Rio (2005), Theorem 1.1",
        note="For functions in [-1, 1]: P(Z >= E Z + x) <= exp(-x^2/(2v + 3x)), v = w + 2 E Z; rescaled by "
        "a.",
        display=r"\mathbb P(Z\ge\mathbb EZ+t)\le\exp\Big(-\frac{t^2}{2v+3at}\Big),\qquad v=w+2a\,\mathbb "
        r"EZ,\quad"
        r" Z=\|\textstyle\sum_iX_i\|,\ w=\sup_{\|u\|\le1}\sum_i\mathrm{Var}\langle u,X_i\rangle",
    )
