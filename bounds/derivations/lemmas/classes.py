"""From classes as sampled to classes as distributed: the class decomposition and the total variation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import binomial, largest_ratio, multinomials, upper_tail
from bounds.derivations.quantities import deviation, probability, root_gap, trials, variation
from bounds.derivations.search import Array, falsify, simplex, unit
from bounds.derivations.steps import Result, Step
from bounds.derivations.symbols import K

t, N = deviation, trials
mean_p, mean_q, sup_r = sp.symbols("mean_p mean_p_hat sup_r", nonnegative=True)

_PRIORS = (
    np.array([0.5, 0.3, 0.2]),
    np.array([1 / 3] * 3),
    np.array([0.9, 0.05, 0.05]),
    np.array([0.25] * 4),
)


@cache
def class_shift() -> Step:
    """E_p r ≤ E_p̂ r + sup r · TV, for 0 ≤ r."""
    statement = sp.Le(mean_p, mean_q + sup_r * variation, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p, q, r = simplex(x[:, :3]), simplex(x[:, 3:6]), unit(x[:, 6:9])
        return {
            mean_p: (p * r).sum(1),
            mean_q: (q * r).sum(1),
            sup_r: r.max(1),
            variation: 0.5 * np.abs(p - q).sum(1),
        }

    return Step(
        "class shift",
        statement,
        "the positive part of p - p_hat sums to the total variation",
        "falsification",
        lambda: falsify(statement, instances, 9),
        display=r"\textstyle\sum_y p_yr_y\le\sum_y\hat p_yr_y+\mathrm{TV}(p,\hat p)\,\max_yr_y\qquad(r\ge0)",
    )


@cache
def weissman_theorem() -> Step:
    """P(TV ≥ t) ≤ (2^K − 2)e^{−2Nt²}."""
    bound = (2**K - 2) * sp.exp(-2 * N * t**2)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((K, N, t), bound, modules="numpy")
        for size in (1, 2, 5, 40, 200):
            for p in (0.5, 0.35, 0.1, 0.01):
                distance = np.abs(np.arange(size + 1) / size - p)
                v, tail = upper_tail(distance, binomial(size, p))
                yield tail, number(2, size, v)
        for prior in _PRIORS:
            for size in (1, 3, 12):
                counts, probability_of = multinomials(size, prior)
                v, tail = upper_tail(0.5 * np.abs(counts / size - prior).sum(1), probability_of)
                yield tail, number(len(prior), size, v)

    return Step(
        "Weissman's inequality",
        sp.Le(probability, bound, evaluate=False),
        "union bound of Hoeffding's inequality over the 2^K - 2 proper subsets of classes",
        "cited",
        lambda: largest_ratio(cases(), "deviations of 2 to 4 classes"),
        source="Weissman et al. (2003), Theorem 2.1",
        note="At K = 2 it is the two-sided Hoeffding inequality.",
        display=r"\mathbb P(\mathrm{TV}(p,\hat p)\ge t)\le(2^K-2)e^{-2Nt^2}",
    )


@cache
def variation_mean() -> Step:
    """E TV ≤ ½√((K − 1)/N)."""
    expected = sp.Symbol("mean_variation", nonnegative=True)
    statement = sp.Le(expected, sp.sqrt((K - 1) / N) / 2, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        # Exact expectation for two items: both in one class, or one in each of two classes.
        p = simplex(x)
        same = 0.5 * np.abs(np.eye(x.shape[1])[None] - p[:, None]).sum(-1)
        total = (p**2 * same).sum(1)
        for j in range(x.shape[1]):
            for k in range(j):
                half = np.zeros(x.shape[1])
                half[[j, k]] = 0.5
                total = total + 2 * p[:, j] * p[:, k] * 0.5 * np.abs(half - p).sum(1)
        return {expected: total, K: np.full(len(x), float(x.shape[1])), N: np.full(len(x), 2.0)}

    def check() -> Result:
        ratio = 0.0
        number = sp.lambdify((K, N), statement.rhs, modules="numpy")
        for prior in _PRIORS:
            for size in (1, 3, 12):
                counts, weight = multinomials(size, prior)
                mean = float((weight * 0.5 * np.abs(counts / size - prior).sum(1)).sum())
                ratio = max(ratio, mean / float(number(len(prior), size)))
        exact = Result(ratio <= 1, f"exact for 3 and 4 classes, largest ratio {ratio:.3f}")
        return falsify(statement, instances, 4) & exact

    return Step(
        "mean total variation",
        statement,
        "Cauchy-Schwarz: sum of sqrt(p(1-p)/N) over classes",
        "falsification",
        check,
        display=r"\mathbb E\,\mathrm{TV}\le\tfrac12\sum_y\sqrt{p_y(1-p_y)/N}\le\tfrac12\sqrt{(K-1)/N}",
    )


@cache
def hellinger_theorem() -> Step:
    """P(√p − √p̂ ≥ t) ≤ e^{−Nt²}: Chernoff, and kl ≥ squared Hellinger distance of the roots."""
    bound = sp.exp(-N * t**2)

    def cases() -> Iterator[tuple[Array, Array]]:
        number = sp.lambdify((N, t), bound, modules="numpy")
        for size in (1, 2, 5, 20, 100, 1000):
            for p in (0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.999):
                gap = np.sqrt(p) - np.sqrt(np.arange(size + 1) / size)
                v, tail = upper_tail(gap, binomial(size, p))
                yield tail[v > 0], number(size, v[v > 0])

    kl, roots = sp.symbols("kl roots", nonnegative=True)
    gap = sp.Le(roots**2, kl, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        q, p = (0.5 * (1 + np.tanh(3 * x[:, k])) for k in range(2))
        q, p = (np.clip(v, 1e-12, 1 - 1e-12) for v in (q, p))
        return {roots: np.sqrt(p) - np.sqrt(q), kl: q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))}

    return Step(
        "Chernoff through Hellinger",
        sp.Le(probability, bound, evaluate=False),
        "Chernoff bound; kl(q|p) >= (sqrt p - sqrt q)^2",
        "cited",
        lambda: largest_ratio(cases(), "binomial deviations") & falsify(gap, instances, 2),
        source="Chernoff (1952)",
        note="One side is enough: only classes with p > p_hat raise the bound, so K tails, not 2K.",
        display=r"\mathbb P\big(\sqrt{p_y}-\sqrt{\hat p_y}\ge t\big)\le e^{-N\,\mathrm{kl}}\le e^{-Nt^2}",
    )


@cache
def root_factoring() -> Step:
    """(p − p̂)₊ = (√p − √p̂)₊(√p + √p̂), summed over classes."""
    total, roots = sp.symbols("positive_part sum_of_roots", nonnegative=True)
    statement = sp.Le(total, root_gap * roots, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p, q = simplex(x[:, :3]), simplex(x[:, 3:])
        return {
            total: np.maximum(p - q, 0).sum(1),
            root_gap: np.maximum(np.sqrt(p) - np.sqrt(q), 0).max(1),
            roots: (np.sqrt(p) + np.sqrt(q)).sum(1),
        }

    return Step(
        "difference of roots",
        statement,
        "p - q = (sqrt p - sqrt q)(sqrt p + sqrt q), and TV is the sum of positive parts",
        "falsification",
        lambda: falsify(statement, instances, 6),
        display=r"\mathrm{TV}=\textstyle\sum_y(p_y-\hat p_y)_+\le\rho\sum_y(\sqrt{\hat p_y}+\sqrt{p_y}),"
        r"\qquad\rho=\max_y(\sqrt{p_y}-\sqrt{\hat p_y})_+",
    )
