"""Worlds of a handful of inputs: shared between classes, perfectly separable, with rare far outliers."""

from __future__ import annotations

import numpy as np
import torch

from bounds.worlds.gaussian import on_sphere
from bounds.worlds.population import Population
from bounds.worlds.world import World


def discrete() -> World:
    """Three classes over four inputs, each input possible in every class."""
    corners = on_sphere(torch.tensor([[1.0, 0.1, 0.0], [0.0, 1.0, 0.1], [0.1, 0.0, 1.0], [-1.0, -1.0, 0.2]]))
    given_class = np.array([[0.7, 0.1, 0.1, 0.1], [0.05, 0.8, 0.05, 0.1], [0.15, 0.15, 0.5, 0.2]])
    prior = np.array([0.5, 0.3, 0.2])
    return World(
        "discrete",
        "four inputs shared by three classes, so that no classifier is perfect",
        Population(corners.repeat(3, 1), np.repeat(np.arange(3), 4), (prior[:, None] * given_class).ravel()),
        setting={"prior": "known"},
    )


def separable() -> World:
    """One input per class: zero risk, zero invariance."""
    return World(
        "separable",
        "one input per class, orthogonal: the smallest true risk there is",
        Population(torch.eye(3, dtype=torch.float64), np.arange(3), np.full(3, 1 / 3)),
        setting={"prior": "known"},
    )


def outliers() -> World:
    """Each class has an input of probability 1/60 on the far side of the sphere: risk that is rarely seen."""
    return outlier_world(1.0, 1 / 60)


def outlier_world(distance: float, share: float) -> World:
    """Two classes at ±e_1, each with an input of probability `share` near ∓distance·e_1."""
    near = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    far = on_sphere(torch.tensor([[-1.0, 0.2], [1.0, 0.2]])) * distance
    points = torch.stack([near[0], far[0], near[1], far[1]])
    weights = np.array([1 - share, share, 1 - share, share]) / 2
    return World(
        "outliers",
        f"two classes; an input of probability {share:.3g} at norm {distance:g} on the wrong side",
        Population(points, np.array([0, 0, 1, 1]), weights),
    )
