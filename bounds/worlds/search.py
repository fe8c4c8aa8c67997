"""A search that tries to break a bound: world parameters with the largest (1 − δ)-quantile of truth/bound."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.theorems import Theorem
from bounds.worlds.coverage import Coverage, coverage
from bounds.worlds.discrete import outlier_world
from bounds.worlds.gaussian import gaussian_population
from bounds.worlds.world import World

Parameters = Mapping[str, float]


@dataclass(frozen=True)
class Family:
    """Worlds with parameters.

    Attributes:
        ranges: Parameter -> (low, high), searched on a logarithmic scale; whole numbers where both ends are.
        make: Parameters -> the world, with its sizes.
    """

    ranges: Mapping[str, tuple[float, float]]
    make: Callable[[Parameters], World]

    def parameters(self, point: np.ndarray) -> dict[str, float]:
        """Numbers in [0, 1] -> parameters."""
        found: dict[str, float] = {}
        for (name, (low, high)), u in zip(self.ranges.items(), point, strict=True):
            value = low * (high / low) ** float(u)
            found[name] = round(value) if isinstance(low, int) else value
        return found


def _gaussian(parameters: Parameters) -> World:
    """K classes with p_y ∝ (1 − imbalance)^y in d dimensions."""
    classes = round(parameters["K"])
    weights = (1 - parameters["imbalance"]) ** np.arange(classes)
    population = gaussian_population(
        num_classes=classes,
        dim=round(parameters["d"]),
        separation=parameters["separation"],
        prior=tuple(weights / weights.sum()),
        points=200,
    )
    return World(
        "gaussian", "found by a search", population, n=round(parameters["n"]), m=round(parameters["m"])
    )


def _outliers(parameters: Parameters) -> World:
    world = outlier_world(1.0, parameters["share"])
    return World(
        "outliers", "found by a search", world.population, n=round(parameters["n"]), m=round(parameters["m"])
    )


FAMILIES = {
    "gaussian": Family(
        {
            "K": (2, 8),
            "d": (2, 40),
            "separation": (0.1, 10.0),
            "imbalance": (0.01, 0.9),
            "n": (8, 400),
            "m": (8, 400),
            "delta": (0.05, 0.5),
        },
        _gaussian,
    ),
    "outliers": Family(
        {"share": (1e-4, 0.5), "n": (8, 2000), "m": (8, 400), "delta": (0.05, 0.5)},
        _outliers,
    ),
}


@dataclass(frozen=True)
class Attack:
    """The worst a search found.

    Attributes:
        family, parameters: Where.
        searched: Number of parameter points tried.
        coverage: Of the worst point on fresh samples; `critical_ratio` above 1 means that violations are more
            frequent than δ.

    Example:
        >>> from bounds.worlds import attack
        >>> found = attack("test_set", family="outliers", points=10, trials=2, confirm=5)
        >>> sorted(found.parameters), found.coverage.trials
        (['delta', 'm', 'n', 'share'], 5)
    """

    family: str
    parameters: Mapping[str, float]
    searched: int
    coverage: Coverage

    def to_dict(self) -> dict[str, Any]:
        """One row of a table."""
        return {
            "family": self.family,
            **self.parameters,
            "searched": self.searched,
            **self.coverage.to_dict(),
        }


def attack(
    bound: str | Theorem,
    family: str = "gaussian",
    *,
    prior_known: bool = False,
    points: int = 60,
    trials: int = 40,
    confirm: int = 1000,
    seed: int = 0,
) -> Attack:
    """Look for parameters at which a bound fails more often than δ.

    Maximises the (1 − δ)-quantile of truth/bound over a few trials, first at random points, then by
    differential evolution (scipy) from the best of them. The worst point is judged on fresh samples, as the
    maximum of noisy numbers is too large.

    Args:
        bound: A name, or a theorem.
        family: "gaussian" (K, d, separation, imbalance, n, m, δ) or "outliers" (share, n, m, δ).
        prior_known: Tell the bound the class prior.
        points: Parameter points to try, half of them at random.
        trials: Samples per point.
        confirm: Fresh samples for the worst point.
        seed: Of the search and of all samples.

    Raises:
        InvalidOption: an unknown family, or fewer than ten points.

    Example:
        >>> from bounds.worlds import attack
        >>> found = attack("test_set", family="outliers", points=10, trials=2, confirm=20)
        >>> found.coverage.critical_ratio <= 1  # no world was found in which it fails more often than δ
        True
    """
    from scipy.optimize import differential_evolution

    if family not in FAMILIES or points < 10:
        raise InvalidOption(
            f"`family` must be one of {list(FAMILIES)} and `points` at least 10, got {shown(family)}, {points}."
        )
    space = FAMILIES[family]
    rng = np.random.default_rng(seed)

    def judged(point: np.ndarray, count: int, fresh: int) -> Coverage:
        parameters = space.parameters(np.clip(point, 0.0, 1.0))
        world = space.make(parameters)
        if prior_known:
            world = world.with_options(prior="known")
        return coverage(bound, world, parameters["delta"], count, fresh)

    tried: list[tuple[float, np.ndarray]] = []

    def safety(point: np.ndarray) -> float:
        ratio = judged(point, trials, seed).critical_ratio
        tried.append((-math.inf if math.isnan(ratio) else min(ratio, 1e9), point.copy()))
        return -tried[-1][0] if tried[-1][0] > -math.inf else 0.0

    dimension = len(space.ranges)
    for _ in range(points // 2):
        safety(rng.random(dimension))
    best = sorted(tried, key=lambda one: -one[0])[: max(5, points // 8)]
    differential_evolution(
        safety,
        [(0.0, 1.0)] * dimension,
        init=np.stack([point for _, point in best]),
        maxiter=max(1, (points - len(tried)) // len(best) - 1),
        rng=rng,
        polish=False,
        tol=0.0,
    )
    worst = max(tried, key=lambda one: one[0])[1]
    return Attack(family, space.parameters(worst), len(tried), judged(worst, confirm, seed + 1))
