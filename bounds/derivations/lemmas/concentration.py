"""Tails of sums of independent variables: theorems against exact distributions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.algebra import equal
from bounds.derivations.lemmas.exact import Array, binomial, largest_ratio, poisson_binomial, upper_tail
from bounds.derivations.quantities import deviation, probability, spread, trials
from bounds.derivations.steps import Result, Step
from bounds.summaries import limits

t, r, N = deviation, spread, trials
L = sp.Symbol("L", positive=True)
Tail = Callable[[sp.Expr], sp.Expr]

_MEANS = (0.001, 0.02, 0.1, 0.3, 0.5, 0.8)
_SIZES = (1, 2, 5, 20, 100, 500)


def hoeffding_tail(radius: sp.Expr, width: sp.Expr, count: sp.Expr) -> sp.Expr:
    """e^{−2Nt²/r²}: a mean of N independent variables of range r, or a function with differences r/N."""
    return sp.exp(-2 * count * radius**2 / width**2)


@cache
def hoeffding_theorem() -> Step:
    """Hoeffding's inequality, exact for binomials and for sums of different Bernoulli variables."""
    bound = hoeffding_tail(t, r, N)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((t, r, N), bound, modules="numpy")
        for size in _SIZES:
            for p in _MEANS:
                v, tail = upper_tail(p - np.arange(size + 1) / size, binomial(size, p))
                yield tail[v >= 0], number(v[v >= 0], 1.0, size)

    return Step(
        "Hoeffding's inequality",
        sp.Le(probability, bound, evaluate=False),
        "moment generating functions; independent variables of range r, not necessarily identical",
        "cited",
        lambda: largest_ratio(cases(), "binomial deviations"),
        source="Hoeffding (1963), Theorem 2",
        display=r"\mathbb P\big(\mathbb E\bar X-\bar X\ge t\big)\le e^{-2Nt^2/r^2}",
    )


@cache
def mcdiarmid_theorem() -> Step:
    """McDiarmid's inequality, exact for the larger of two binomial frequencies."""
    bound = hoeffding_tail(t, r, N)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((t, r, N), bound, modules="numpy")
        for size in _SIZES:
            for p in _MEANS:
                weight, share = binomial(size, p), np.arange(size + 1) / size
                value = np.maximum(p - share, share - p)
                mean = float((weight * value).sum())
                v, tail = upper_tail(value - mean, weight)
                yield tail[v >= 0], number(v[v >= 0], 1.0, size)

    return Step(
        "McDiarmid's inequality",
        sp.Le(probability, bound, evaluate=False),
        "bounded differences r/N",
        "cited",
        lambda: largest_ratio(cases(), "deviations of a supremum of two frequencies"),
        source="McDiarmid (1989), Lemma 1.2",
        display=r"\mathbb P\big(g-\mathbb E g\ge t\big)\le e^{-2Nt^2/r^2},\qquad|g(x)-g(x')|\le r/N"
        r"\text{ for one changed item}",
    )


# kl limits


@cache
def kl_theorem() -> Step:
    """Chernoff's bound for averages of independent variables in [0, 1] with different means."""
    kl = sp.Symbol("kl", nonnegative=True)
    bound = sp.exp(-N * kl)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((N, kl), bound, modules="numpy")
        rng = np.random.default_rng(3)
        for size in (1, 2, 5, 12, 30):
            for concentration in (0.2, 1.0, 50.0):
                for _ in range(6):
                    means = rng.beta(concentration, concentration * 2, size=size)
                    p, weight, q = means.mean(), poisson_binomial(means), np.arange(size + 1) / size
                    divergence = np.array([limits.binary_kl(float(x), float(p)) for x in q])
                    for side in (1.0, -1.0):
                        v, tail = upper_tail(side * q, weight)
                        far = v >= side * p
                        yield tail[far], number(size, divergence[np.searchsorted(q, side * v[far] - 1e-12)])

    def numeric() -> Result:
        import mpmath

        worst = 0.0
        with mpmath.workdps(40):
            for inverse, flip in ((limits.kl_inverse, False), (limits.kl_inverse_first, True)):
                for q in (0.0, 1e-9, 0.01, 0.3, 0.5, 0.97, 1 - 1e-9):
                    for budget in (1e-8, 1e-3, 0.05, 0.7, 4.0):
                        limit = inverse(q, budget)
                        if limit == 1.0 or limit == q:
                            continue
                        pair = (
                            (mpmath.mpf(limit), mpmath.mpf(q)) if flip else (mpmath.mpf(q), mpmath.mpf(limit))
                        )
                        short = (mpmath.mpf(budget) - _kl(*pair)) / budget
                        worst = max(worst, float(short))
        return Result(worst <= 0, "kl at the computed limit is never below its budget (40 digits)")

    return Step(
        "Chernoff's bound in kl form",
        sp.Le(probability, bound, evaluate=False),
        "Chernoff; ln(1 - p + p e^s) is concave in p, so different means only help",
        "cited",
        lambda: largest_ratio(cases(), "deviations of sums of different Bernoulli variables") & numeric(),
        source="Chernoff (1952); Hoeffding (1963), Theorem 1",
        display=r"\mathbb P(\bar X\le q)\le e^{-N\,\mathrm{kl}(q\|p)},\ q\le p;\qquad"
        r"\mathbb P(\bar X\ge q)\le e^{-N\,\mathrm{kl}(q\|p)},\ q\ge p",
    )


def _kl(q: object, p: object) -> object:
    import mpmath

    left = q * mpmath.log(q / p) if q > 0 else mpmath.mpf(0)  # type: ignore[operator]
    return left + ((1 - q) * mpmath.log((1 - q) / (1 - p)) if q < 1 else 0)  # type: ignore[operator]


# Empirical Bernstein


def bernstein_radius(variance: sp.Expr, log: sp.Expr, count: sp.Expr) -> sp.Expr:
    """√(2σ²L/N) + L/(3N): Bernstein's inequality for range one."""
    return sp.sqrt(2 * variance * log / count) + log / (3 * count)


def maurer_pontil_radius(variance: sp.Expr, log: sp.Expr, count: sp.Expr) -> sp.Expr:
    """√(2V̂L/N) + 7L/(3(N − 1)) at L = ln(2/δ), for range one."""
    return sp.sqrt(2 * variance * log / count) + 7 * log / (3 * (count - 1))


@cache
def maurer_pontil_theorem() -> Step:
    """The radius of Maurer and Pontil, from Bernstein and the concentration of the sample variance."""
    variance, delta = sp.Symbol("V", nonnegative=True), sp.Symbol("delta", positive=True)
    radius = maurer_pontil_radius(variance, sp.log(2 / delta), N)

    def derived() -> Result:
        # sigma <= sqrt(V) + sqrt(2L/(N-1)) put into Bernstein, with N >= N - 1 in the lower-order terms.
        less = sp.Symbol("N_less", positive=True)
        extra = bernstein_radius(2 * L / less, L, less)
        found = maurer_pontil_radius(variance, L, less + 1)
        lower = equal(found.subs(variance, 0), extra)
        return lower & equal(found - found.subs(variance, 0), sp.sqrt(2 * variance * L / (less + 1)))

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((variance, delta, N), radius, "numpy")
        for size in (2, 5, 20, 100, 500, 2000):
            share = np.arange(size + 1) / size
            sample = share * (1 - share) * size / (size - 1)
            for level in (0.3, 0.05, 1e-3):
                upper = share + number(sample, level, size)
                means = [p for p in (*_MEANS, 1 / size, 3 / size) if p < 1]
                missed = np.array([float(binomial(size, p)[upper < p].sum()) for p in means])
                yield missed, np.full(len(missed), level)

    return Step(
        "empirical Bernstein inequality",
        sp.Le(deviation, radius, evaluate=False),
        "Bernstein's inequality and the concentration of the sample standard deviation, each at delta/2",
        "cited",
        lambda: derived() & largest_ratio(cases(), "binomial coverages"),
        source="Maurer and Pontil (2009), Theorems 10 and 11",
        note="Independence is enough: unequal means only raise the expectation of the sample variance. 7/3 "
        "= 2 + 1/3.",
        display=r"\mathbb E\bar X-\bar X\le\sqrt{\frac{2\hat "
        r"V\ln(2/\delta)}{N}}+\frac{7r\ln(2/\delta)}{3(N-1)}"
        r"\quad\text{except with probability }\delta",
    )
