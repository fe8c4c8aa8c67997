"""The configurations of the zoo of small encoders, in an order of which every beginning is balanced.

A design of one change at a time: a base for each objective and data set, then one hyperparameter changed, so that
the pairs of encoders that differ in one hyperparameter alone are there by construction. A round trains one variant
of every objective; rounds alternate between the data sets as long as both have some left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from bounds.data.views import Recipe

SIDE = 16  # pixels: the images are resized to it, a quarter of CIFAR-10's
EPOCHS, BATCH = 6, 125
RECIPES = {
    "cifar10": {
        "weak": Recipe(area=(0.7, 1.0), brightness=0.2, contrast=0.2, saturation=0.1, hue=0.05, grey=0.0, blur=0.0,
                       solarize=0.0),
        "standard": Recipe(area=(0.25, 1.0), blur=0.0, solarize=0.0),
        "strong": Recipe(area=(0.1, 1.0), brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, blur=0.5,
                         sigma=(0.1, 1.0), solarize=0.2),
    },
    "mnist": {
        "weak": Recipe(area=(0.85, 1.0), flip=0.0, blur=0.0, solarize=0.0),
        "standard": Recipe(area=(0.5, 1.0), flip=0.0, blur=0.0, solarize=0.0),
        "strong": Recipe(area=(0.2, 1.0), flip=0.5, brightness=0.8, contrast=0.8, blur=0.5, sigma=(0.1, 1.0),
                         solarize=0.2),
    },
}  # fmt: skip

# What each objective is known to depend on: its name, the base, and the values it is changed to.
WEIGHTS: dict[str, tuple[str, float, tuple[float, float]]] = {
    "vicreg": ("invariance", 25.0, (5.0, 100.0)),
    "simclr": ("temperature", 0.3, (0.1, 1.0)),
    "byol": ("target_momentum", 0.97, (0.8, 0.995)),
    "simsiam": ("hidden", 32, (8, 128)),
    "barlow_twins": ("redundancy", 0.02, (0.002, 0.2)),
    "vicreg_logdet": ("entropy", 25.0, (2.5, 250.0)),
}
CHANGES: dict[str, dict[str, Any]] = {
    "weak": {"augmentation": "weak"},
    "strong": {"augmentation": "strong"},
    "short": {"epochs": 2},
    "long": {"epochs": 4 * EPOCHS},
    "narrow": {"encoder": ("small_convnet", 8)},
    "wide": {"encoder": ("small_convnet", 32)},
    "deep": {"encoder": ("resnet18", 8)},
    "small_projector": {"projector": (32,)},
    "slow": {"lr": 1e-3},
    "seed1": {"seed": 1},
}
CIFAR10 = ("base", "weak", "weight_low", "short", "weight_high", "strong", "narrow", "small_projector", "long", "wide",
           "slow", "seed1", "deep")  # fmt: skip
MNIST = ("base", "weight_high", "weak", "weight_low", "short", "strong")


@dataclass(frozen=True)
class Configuration:
    """Everything that decides an encoder, but for the images.

    Attributes:
        data: "cifar10" or "mnist".
        objective: Name in `bounds.objectives.OBJECTIVES`.
        variant: What differs from the base.
        options: Of the objective.
        augmentation: Key of `RECIPES`.
        encoder: Name and width of the first stage.
        projector: Widths of its layers.
        epochs: Passes over the training images.
        lr: Peak learning rate of AdamW.
        target_momentum: Of the moving average (BYOL).
        seed: Of weights, order and views.
    """

    data: str
    objective: str
    variant: str = "base"
    options: dict[str, Any] = field(default_factory=dict)
    augmentation: str = "standard"
    encoder: tuple[str, int] = ("small_convnet", 16)
    projector: tuple[int, ...] = (128, 128)
    epochs: int = EPOCHS
    lr: float = 4e-3
    target_momentum: float = 0.97
    seed: int = 0

    @property
    def name(self) -> str:
        """Data, objective and variant: the name of its files."""
        return f"{self.data}-{self.objective}-{self.variant}"


def configuration(data: str, objective: str, variant: str) -> Configuration:
    """The base of an objective with one change."""
    name, base, (low, high) = WEIGHTS[objective]
    start = _weighted(Configuration(data, objective, variant), name, base)
    if variant == "base":
        return start
    if variant.startswith("weight"):
        return _weighted(start, name, low if variant == "weight_low" else high)
    return replace(start, **CHANGES[variant])


def _weighted(start: Configuration, name: str, value: float) -> Configuration:
    if name == "target_momentum":  # a setting of the trainer
        return replace(start, target_momentum=value)
    return replace(start, options={**start.options, name: value})


def grid() -> Iterator[Configuration]:
    """All configurations: 78 of CIFAR-10 and 36 of MNIST, each beginning balanced over objectives and data."""
    for pair in zip_longest(CIFAR10, MNIST):
        for data, variant in zip(("cifar10", "mnist"), pair, strict=True):
            if variant is not None:
                for objective in WEIGHTS:
                    yield configuration(data, objective, variant)
