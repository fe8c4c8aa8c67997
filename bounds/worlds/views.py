"""Pairs that are not class pairs (A1): views of one image, near-duplicates, unlabeled data from elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bounds.worlds import draws
from bounds.worlds.gaussian import gaussian_population
from bounds.worlds.population import Population
from bounds.worlds.world import World


def augmentations() -> World:
    """How SSL is trained: two noisy views of one image."""
    return _views("augmentations", 0.5, 500)


def near_duplicates() -> World:
    """Views that hardly differ: the invariance says nothing about the class."""
    return _views("near_duplicates", 0.01, 500)


def _views(name: str, noise: float, size: int) -> World:
    return World(
        name,
        f"pairs are two views of one image, noise {noise:g}",
        gaussian_population(num_classes=2, dim=4, separation=2.0, views=4, view_noise=noise, seed=4),
        n=size,
        m=size,
        violated={"A1": "both views show one image"},
        pairs=draws.view_pairs,
        setting={"prior": "known"},
    )


def elsewhere() -> World:
    """Unlabeled pairs from a cleaned source: only the points nearest to their class centre."""
    return World(
        "elsewhere",
        "pairs come from the tenth of the inputs closest to their class mean, labeled data from all",
        gaussian_population(num_classes=2, dim=4, separation=2.0, seed=5),
        n=500,
        m=500,
        violated={
            "A1": "the pairs are not drawn from the classes of the labeled data",
            "U": "the unlabeled items are drawn from another distribution than the labeled ones",
        },
        pairs=_clean_pairs,
        setting={"prior": "known"},
    )


def _clean_pairs(
    population: Population, count: int, rng: np.random.Generator, S: draws.Index
) -> tuple[draws.Index, draws.Index]:
    return draws.class_pairs(
        Population(population.points, population.labels, _clean(population), population.images), count, rng, S
    )


def _clean(population: Population) -> NDArray[np.float64]:
    """The weights, kept only for the tenth of each class closest to its mean; the prior stays."""
    weights = np.zeros_like(population.weights)
    points = population.points.numpy()
    for y, p in enumerate(population.prior):
        rows = np.flatnonzero(population.labels == y)
        distance = np.linalg.norm(points[rows] - points[rows].mean(0), axis=1)
        kept = rows[np.argsort(distance)[: max(1, len(rows) // 10)]]
        weights[kept] = p / len(kept)
    return weights
