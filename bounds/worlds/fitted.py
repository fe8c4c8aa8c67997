"""Encoders that have seen the data: S memorised (A2), S̄ memorised, or the best of many chosen on S̄ (A3)."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from bounds.assumptions.encoder_choice import EncoderChoice
from bounds.worlds.draws import Index
from bounds.worlds.gaussian import on_sphere
from bounds.worlds.population import Population
from bounds.worlds.world import World

# Inputs per class, so many that few items of S̄ are also in S.
_POINTS = 5_000
# Size of the label in a memorised representation: the head needs the norm 1/_SIGNAL to read it.
_SIGNAL = 0.05


def memorised_labels() -> World:
    """A2: the encoder writes the labels into the items of S, and sends every other input to one point."""
    return World(
        "memorised_labels",
        "the encoder stores the labels of S, faintly; all else goes to one point where the head is large",
        _anonymous(3),
        n=500,
        m=500,
        violated={"A2": "the encoder was fitted on S and its labels"},
        encoder=_store_labels,
        setting={"prior": "known"},
    )


def memorised_pairs() -> World:
    """A3: the encoder sends the items of S̄ to their class centres, and every other input to a noisy place."""
    return World(
        "memorised_pairs",
        "the encoder is perfectly invariant on S̄ and noisy everywhere else",
        _noisy_arcs(),
        n=600,
        m=600,
        violated={"A3": "the encoder was fitted on S̄"},
        encoder=_store_pairs,
        setting={"prior": "known"},
    )


def chosen_encoder(candidates: int = 50) -> World:
    """A3, mildly: the most invariant on S̄ of many random encoders."""
    return World(
        "chosen_encoder",
        f"the most invariant on S̄ of {candidates} random encoders, all equally bad",
        _anonymous(3, 400),
        m=20,
        violated={"A3": f"the encoder is the best of {candidates} on S̄"},
        encoder=partial(_most_invariant, candidates),
        setting={"prior": "known"},
    )


def paid_choice(candidates: int = 8) -> World:
    """The same choice, declared and paid for, among a few encoders into the ball of radius 1/2."""
    return World(
        "paid_choice",
        f"the most invariant on S̄ of {candidates} random encoders, which `function_class` says",
        _anonymous(4, 400),
        m=20,
        encoder=partial(_most_invariant, candidates, radius=0.5),
        radius=0.5,
        setting={"prior": "known", "function_class": EncoderChoice(candidates)},
    )


def _anonymous(num_classes: int, points: int = _POINTS) -> Population:
    """Inputs that say nothing about their class."""
    count = num_classes * points
    labels = np.repeat(np.arange(num_classes), points)
    return Population(torch.zeros(count, 1, dtype=torch.float64), labels, np.full(count, 1 / count))


def _noisy_arcs() -> Population:
    """Two classes on opposite arcs of the circle; one input in five lies on the arc of the other class."""
    rng = np.random.default_rng(6)
    labels = np.repeat(np.arange(2), _POINTS)
    side = np.where(rng.random(2 * _POINTS) < 0.8, labels, 1 - labels)
    angle = np.pi * side / 2 + 0.3 * rng.normal(size=2 * _POINTS)
    points = np.stack([np.cos(angle), np.sin(angle)], 1)
    return Population(on_sphere(points), labels, np.full(2 * _POINTS, 0.5 / _POINTS))


def _store_labels(
    population: Population, S: Index, first: Index, second: Index, rng: np.random.Generator
) -> Tensor:
    z = torch.zeros(len(population.labels), population.num_classes + 1, dtype=torch.float64)
    z[:, 0], z[:, 1] = 0.5**0.5, -(0.5**0.5)
    z[S] = 0.0
    z[S, population.labels[S]] = _SIGNAL
    z[S, -1] = (1 - _SIGNAL**2) ** 0.5
    return z


def _store_pairs(
    population: Population, S: Index, first: Index, second: Index, rng: np.random.Generator
) -> Tensor:
    z = population.points.clone()
    labels = torch.from_numpy(population.labels)
    centres = torch.stack([z[labels == y].mean(0) for y in range(population.num_classes)])
    for view in (first, second):
        z[view] = centres[labels[view]]
    return z


def _most_invariant(
    candidates: int,
    population: Population,
    S: Index,
    first: Index,
    second: Index,
    rng: np.random.Generator,
    radius: float = 1.0,
) -> Tensor:
    best: tuple[float, Tensor] | None = None
    for _ in range(candidates):
        z = radius * on_sphere(rng.normal(size=(len(population.labels), 2)))
        moved = float((z[first] - z[second]).square().sum())
        if best is None or moved < best[0]:
            best = moved, z
    return population.points if best is None else best[1]
