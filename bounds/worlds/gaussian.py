"""Gaussian classes through a nonlinear map, on the unit sphere: easy, rare, overlapping, n < d, collapsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bounds.representations.normalization import Normalization
from bounds.worlds.population import Population
from bounds.worlds.world import World


def gaussian_population(
    num_classes: int = 3,
    dim: int = 6,
    separation: float = 2.0,
    prior: Sequence[float] | None = None,
    points: int = 400,
    views: int = 1,
    view_noise: float = 0.1,
    seed: int = 0,
) -> Population:
    """`points` images a class from N(μ_y, I), each with `views` views, through tanh and a random matrix.

    Args:
        num_classes, dim: K and d; the inputs have d dimensions too.
        separation: Length of the class centres μ_y, in units of the noise.
        prior: p (K,), uniform by default.
        points: Images per class.
        views: Views per image; each adds its own noise of size `view_noise` to the image.
        view_noise: Standard deviation of a view around its image.
        seed: Of centres, points and map: all are part of the world.

    Example:
        >>> from bounds.worlds import gaussian_population
        >>> population = gaussian_population(num_classes=2, dim=3, points=5, views=4)
        >>> tuple(population.points.shape), population.prior  # 2 · 5 · 4 points
        ((40, 3), array([0.5, 0.5]))
    """
    rng = np.random.default_rng(seed)
    p = np.full(num_classes, 1 / num_classes) if prior is None else np.asarray(prior, dtype=np.float64)
    centres = rng.normal(size=(num_classes, dim))
    centres *= separation / np.linalg.norm(centres, axis=1, keepdims=True)
    images = np.repeat(centres, points, axis=0) + rng.normal(size=(num_classes * points, dim))
    inputs = np.repeat(images, views, axis=0)
    if views > 1:
        inputs += view_noise * rng.normal(size=inputs.shape)
    mixing = rng.normal(size=(dim, dim)) / np.sqrt(dim)
    return Population(
        on_sphere(np.tanh(inputs) @ mixing),
        np.repeat(np.arange(num_classes), points * views),
        np.repeat(p / (points * views), points * views),
        np.repeat(np.arange(num_classes * points), views),
    )


def on_sphere(points: np.ndarray | Tensor) -> Tensor:
    """Rows l2-normalised, float64 (A4 with B = 1)."""
    return Normalization("l2", 1.0)(torch.as_tensor(points, dtype=torch.float64))


def gaussian() -> World:
    """Three well-separated classes."""
    return World(
        "gaussian", "three separated Gaussian classes through tanh, on the sphere", gaussian_population()
    )


def known_prior() -> World:
    """The same, told its class prior."""
    return World(
        "known_prior", "the Gaussian classes, prior known", gaussian_population(), setting={"prior": "known"}
    )


def rare() -> World:
    """One class in fifty."""
    population = gaussian_population(prior=(0.86, 0.12, 0.02), seed=1)
    return World("rare", "class probabilities 0.86, 0.12, 0.02: the last is often absent from S", population)


def overlap() -> World:
    """Classes that can hardly be told apart."""
    return World(
        "overlap", "centres 0.3 apart in units of the noise", gaussian_population(separation=0.3, seed=2)
    )


def few_items() -> World:
    """Fewer items than dimensions, so that the min-norm head interpolates S."""
    population = gaussian_population(dim=40, separation=4.0, seed=3)
    return World(
        "few_items", "n = 24 and m = 30 items in 40 dimensions: the head interpolates", population, n=24, m=30
    )


def nonnegative() -> World:
    """No negative value, so that τ = √2·B; ridge head, root-mean-square residuals."""
    population = gaussian_population(seed=12)
    return World(
        "nonnegative",
        "f ≥ 0 by construction, ridge head, Frobenius residuals",
        replace(population, points=on_sphere(population.points.clamp_min(0.0))),
        setting={"tau": 2**0.5, "head": ("ridge", 0.01), "residual": "frobenius"},
    )


def off_defaults() -> World:
    """No option at its default: B = 2, six classes, three negatives, temperature 1/2, half of S held out."""
    population = gaussian_population(6, 8, 3.0, seed=14)
    return World(
        "off_defaults",
        "six classes on the sphere of radius 2; three negatives, temperature 1/2, half of S held out",
        replace(population, points=2 * population.points),
        radius=2.0,
        setting={"prior": "known", "holdout": 0.5, "options": {"negatives": 3, "temperature": 0.5}},
    )


def collapsed() -> World:
    """An encoder that maps everything to one point."""
    population = gaussian_population(points=2)
    constant = on_sphere(torch.ones_like(population.points))
    return World(
        "collapsed",
        "every input has the same representation",
        Population(constant, population.labels, population.weights),
        setting={"prior": "known"},
    )
