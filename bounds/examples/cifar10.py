"""Representations of CIFAR-10 by a VICReg and a SimCLR encoder: real images' bounds without the images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bounds.arguments import shown
from bounds.errors import InvalidOption

FILE = Path(__file__).with_name("cifar10.safetensors")


@dataclass(frozen=True)
class Cifar10Example:
    """Representations, float32 (N, 64), with labels int64 (N,): what `bounds.evaluate(None, ...)` takes.

    The images of the parts are disjoint, and disjoint from those the encoder and its projection were fitted
    on, so A2, A3 and A7 hold; the pairs are class pairs, no image in two of them, their classes drawn first
    (A1, A6).

    Attributes:
        labeled: S as (x, y), 10,000 items.
        unlabeled: S̄ as (x1, x2, y), 5,000 class pairs.
        test: (x, y), 5,000 items.
        provenance: How the encoder was trained (epochs, device, commit), and which images are which.
    """

    labeled: tuple[np.ndarray, np.ndarray]
    unlabeled: tuple[np.ndarray, np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    provenance: dict[str, Any]


def cifar10(method: Literal["VICReg", "SimCLR"] = "VICReg") -> Cifar10Example:
    """The example of one method; both see the same images.

    Raises:
        InvalidOption: another method.
    """
    from safetensors import safe_open

    if method not in ("VICReg", "SimCLR"):
        raise InvalidOption(f"`method` must be 'VICReg' or 'SimCLR', got {shown(method)}.")
    with safe_open(FILE, "np") as file:
        notes = json.loads(file.metadata()["provenance"])

        def rows(part: str) -> np.ndarray:
            found: np.ndarray = file.get_tensor(f"{method.lower()}_{part}").astype(np.float32)
            return found

        def labels(part: str) -> np.ndarray:
            found: np.ndarray = file.get_tensor(f"{part}_y").astype(np.int64)
            return found

        return Cifar10Example(
            (rows("labeled"), labels("labeled")),
            (rows("first"), rows("second"), labels("pairs")),
            (rows("test"), labels("test")),
            {"encoder": notes[method.lower()], "images": notes["images"]},
        )
