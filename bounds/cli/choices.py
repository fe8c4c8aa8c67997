"""What options may be, where they are words."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal


class Pairs(StrEnum):
    """How the unlabeled pairs are made."""

    augmentation = "augmentation"
    classes = "class"


class Normalize(StrEnum):
    """How ‖f‖ ≤ B is enforced."""

    l2 = "l2"
    clip = "clip"
    none = "none"


NORMALIZE: dict[Normalize, Literal["l2", "clip"] | None] = {
    Normalize.l2: "l2",
    Normalize.clip: "clip",
    Normalize.none: None,
}


class Repeats(StrEnum):
    """Choices of --repeats."""

    keep = "keep"
    drop = "drop"


class Goal(StrEnum):
    """Choices of --goal."""

    best = "best"
    order = "order"


class Overlap(StrEnum):
    """Choices of --overlap."""

    added = "added"


class Residual(StrEnum):
    """Which residual of S the theorems use."""

    mean = "mean"
    frobenius = "frobenius"


class Constants(StrEnum):
    """Which logarithms `vicreg` uses."""

    printed = "printed"
    counted = "counted"


class Engine(StrEnum):
    """What runs the encoder."""

    local = "local"
    ray = "ray"


class Example(StrEnum):
    """Embedded examples."""

    digits = "digits"
    cifar10 = "cifar10"


class Optimizer(StrEnum):
    """Optimizers of pretraining."""

    sgd = "sgd"
    lars = "lars"
    adamw = "adamw"


class FunctionClass(StrEnum):
    """Classes of functions of vectors."""

    singleton = "singleton"
    finite_class = "finite_class"
    linear_head = "linear_head"
    linear_map = "linear_map"
