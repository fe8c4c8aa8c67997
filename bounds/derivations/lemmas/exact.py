"""Exact distributions on small cases, to hold a theorem's tail against."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from bounds.derivations.steps import Result

Array = NDArray[np.float64]

# What float64 may lose in an exact probability.
_ROUNDING = 1e-9


def largest_ratio(cases: Iterable[tuple[Array, Array]], what: str) -> Result:
    """Exact probabilities against their bounds: holds if none is exceeded; reports the largest ratio."""
    count, worst = 0, 0.0
    for exact, bound in cases:
        count += exact.size
        worst = max(worst, float((exact / np.maximum(bound, 1e-300)).max(initial=0.0)))
    return Result(worst <= 1 + _ROUNDING, f"exact on {count} {what}, largest probability/bound {worst:.3f}")


def binomial(size: int, p: float) -> Array:
    """P(Binomial(size, p) = k), k = 0..size."""
    from scipy.stats import binom

    value: Array = binom.pmf(np.arange(size + 1), size, p)
    return value


def poisson_binomial(probabilities: Array) -> Array:
    """Distribution of a sum of independent Bernoulli variables with different means."""
    value = np.ones(1)
    for p in probabilities:
        value = np.convolve(value, [1 - p, p])
    return value


def multinomials(size: int, p: Array) -> tuple[Array, Array]:
    """All count vectors (C, K) of `size` items and their probabilities."""
    classes = len(p)
    counts = np.array(
        [c for c in product(range(size + 1), repeat=classes) if sum(c) == size], dtype=np.float64
    )
    log = lgamma(size + 1) - sum(np.vectorize(lgamma)(counts[:, k] + 1) for k in range(classes))
    log = log + (counts * np.log(np.maximum(p, 1e-300))).sum(1)
    return counts, np.exp(log)


def upper_tail(values: Array, probabilities: Array) -> tuple[Array, Array]:
    """Distinct values v and P(X >= v)."""
    order = np.argsort(values)
    ordered = values[order]
    tail = np.cumsum(probabilities[order][::-1])[::-1]
    first = np.concatenate([[True], np.diff(ordered) > 1e-12])
    return ordered[first], np.minimum(tail[first], 1.0)


def signs(count: int) -> Array:
    """All 2^count sign vectors, (2^count, count)."""
    return np.array(list(product((-1.0, 1.0), repeat=count)))
