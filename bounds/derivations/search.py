"""Falsification: random instances and an optimiser look for a counterexample to an inequality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from bounds.derivations.steps import Result

Array = NDArray[np.float64]
Instances = Callable[[Array], Mapping[sp.Symbol, Array]]

RANDOM = 10_000
_POPULATION = 40
_GENERATIONS = 50
_REACH = 4.0
# What float64 may lose in the few hundred operations of an instance, relative to its size.
_ROUNDING = 1e-9


def falsify(
    relation: sp.Basic, instances: Instances, dimension: int, *, extremal: Array | None = None, seed: int = 0
) -> Result:
    """Search the parameters of `instances` for a point where `relation` fails.

    Ten thousand random points of several shapes (Gaussian, scaled over four decades, sparse), then
    differential evolution (scipy) from the worst of them.

    Args:
        relation: `Le(a, b)` or `Eq(a, b)` between expressions of symbols.
        instances: Maps parameters (N, dimension) to the numbers (N,) of the relation's symbols.
        dimension: Number of parameters of an instance.
        extremal: Points (E, dimension) at which the inequality is known to be tight, tried as well.
        seed: Of the random points.

    Returns:
        Whether none was found, the number of instances, and the smallest relative margin (b − a)/(|a| + |b|).
    """
    from scipy.optimize import differential_evolution

    symbols = sorted(relation.free_symbols, key=str)
    sides = sp.lambdify(symbols, [relation.lhs, relation.rhs], modules="numpy")
    equality = isinstance(relation, sp.Equality)

    def margin(points: Array) -> Array:
        found = instances(points)
        left, right = sides(*(found[symbol] for symbol in symbols))
        gap = -np.abs(right - left) if equality else right - left
        relative: Array = np.broadcast_to(gap / (np.abs(left) + np.abs(right) + 1e-300), len(points))
        return np.where(np.isnan(relative), -np.inf, relative)

    start = random_points(dimension, seed)
    if extremal is not None:
        start = np.concatenate([start, extremal])
    margins = margin(start)
    worst_points = np.clip(start[np.argsort(margins)[:_POPULATION]], -_REACH, _REACH)
    found = differential_evolution(
        lambda points: margin(points.T),
        [(-_REACH, _REACH)] * dimension,
        init=worst_points,
        maxiter=_GENERATIONS,
        rng=seed,
        vectorized=True,
        updating="deferred",
        polish=False,
        tol=0.0,
        atol=0.0,
    )
    worst = float(min(margins.min(), found.fun))
    tried = len(start) + (found.nit + 1) * len(worst_points)
    # An empty instance (0 <= 0) has no margin; it is tight.
    return Result(worst >= -_ROUNDING, f"{tried} instances, smallest relative margin {worst:.1e}")


@cache
def random_points(dimension: int, seed: int) -> Array:
    """Ten thousand points: Gaussian, scaled over four decades, sparse, and with few distinct values."""
    rng = np.random.default_rng(seed)
    quarter = RANDOM // 4
    plain = rng.normal(size=(quarter, dimension))
    scaled = rng.normal(size=(quarter, dimension)) * 10 ** rng.uniform(-2, 2, size=(quarter, dimension))
    sparse = rng.normal(size=(quarter, dimension)) * (rng.random((quarter, dimension)) < 0.5)
    corners = rng.integers(-1, 2, size=(RANDOM - 3 * quarter, dimension)).astype(np.float64)
    points = np.concatenate([plain, scaled, sparse, corners])
    points.setflags(write=False)
    return points


def unit(points: Array) -> Array:
    """Parameters to [0, 1]: the logistic function, which reaches its ends at large parameters."""
    clipped = np.clip(points, -30, 30)
    value: Array = 1 / (1 + np.exp(-3 * clipped))
    return np.where(clipped <= -4, 0.0, np.where(clipped >= 4, 1.0, value))


def simplex(points: Array) -> Array:
    """Parameters (N, k) to points of the probability simplex; negative ones become zero."""
    weights = np.maximum(points, 0.0)
    total = weights.sum(-1, keepdims=True)
    return np.where(total > 0, weights / np.where(total > 0, total, 1.0), 1.0 / points.shape[-1])
