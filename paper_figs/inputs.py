"""What the figures are drawn from: representations of real images by encoders trained without labels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch

import bounds
from bounds.data.pairing import class_pairs
from bounds.evidence.setting import Setting
from bounds.examples import cifar10
from bounds.examples.digits import CHECKPOINTS, digits

BEFORE_THE_DATA: dict[str, Any] = {  # what holds for every example here, and is declared
    "pairs": "class",
    "fresh": True,
    "class_prior": "balanced",
    "progress": False,
}


@dataclass(frozen=True)
class Example:
    """Representations of disjoint images: labeled (x, y), class pairs (x1, x2, y), test (x, y)."""

    method: str
    data: str
    labeled: tuple[np.ndarray, np.ndarray]
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    nonnegative: bool

    @property
    def name(self) -> str:
        """Method and data."""
        return f"{self.method}, {self.data}"

    def evaluate(self, **options: Any) -> bounds.Report:
        """The bounds of this example."""
        settings = BEFORE_THE_DATA | {"nonnegative": self.nonnegative, "name": self.name}
        return bounds.evaluate(None, self.labeled, self.pairs, test=self.test, **(settings | options))

    def setting(self) -> Setting:
        """What `evaluate` declares, for `sweep`."""
        report = self.evaluate(bounds=["test_set"])
        if report.evidence is None:
            raise RuntimeError("a fresh report carries its evidence")
        return report.evidence.setting


def encode(encoder: Any, images: np.ndarray) -> np.ndarray:
    """Representations of digits, uint8 (N, 8, 8) -> float32 (N, d)."""
    with torch.inference_mode():
        return np.asarray(encoder(torch.from_numpy(images)[:, None]).float().numpy())


@cache
def encoder(method: str) -> Any:
    """An encoder of the package, loaded once."""
    return bounds.load_encoder(CHECKPOINTS[method], device="cpu")


def digit_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class pairs among the unlabeled digits, classes drawn first: images x1, images x2, labels."""
    images, labels = digits().unlabeled
    found = class_pairs(labels, seed=0, class_prior_known=False, name="digits")
    return images[found.first], images[found.second], found.labels


def digits_example(method: str, network: Any) -> Example:
    """The digits through an encoder."""
    split = digits()
    first, second, labels = digit_pairs()
    return Example(
        method,
        "digits",
        (encode(network, split.labeled[0]), split.labeled[1]),
        (encode(network, first), encode(network, second), labels),
        (encode(network, split.test[0]), split.test[1]),
        nonnegative=True,  # these encoders end in a ReLU and an average
    )


@cache
def examples(quick: bool) -> tuple[Example, ...]:
    """Both digits encoders; without `quick` also both of CIFAR-10, where the package has them."""
    found = [digits_example(method, encoder(method)) for method in CHECKPOINTS]
    if not quick and os.path.exists(cifar10.FILE):
        for method in CHECKPOINTS:
            one = cifar10.cifar10(method)
            found.append(Example(method, "CIFAR-10", one.labeled, one.unlabeled, one.test, nonnegative=False))
    return tuple(found)
