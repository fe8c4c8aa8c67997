"""The images of the zoo: disjoint parts of CIFAR-10 and MNIST, and other data, all at the same small size."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from zoo_grid import SIDE

from bounds.data.preprocessing import Preprocessing
from bounds.draws import permutation
from bounds.representations.inputs import open_source

TRAIN, UNLABELED = 5_000, 2_500  # images
# Labeled images for probes and bounds, then test images.
SIZES = {"cifar10": (5_000, 10_000), "mnist": (1_250, 1_250)}


@dataclass(frozen=True)
class Split:
    """Disjoint images of one data set, uint8 (N, C, SIDE, SIDE), with labels int64 (N,).

    Attributes:
        train: What encoders are trained on, without labels.
        unlabeled: What label-free measures look at.
        labeled: What probes are fitted on and bounds use.
        test: What measures the truth.
    """

    train: tuple[Tensor, Tensor]
    unlabeled: tuple[Tensor, Tensor]
    labeled: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


def saved_split(folder: Path, name: str, cache: Path) -> Split:
    """`split`, kept as one file in `cache`: decoding takes longer than training a small encoder."""
    file = cache / f"images-{name}-{SIDE}px.pt"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}.part")
        torch.save(asdict(split(folder, name)), part)
        os.replace(part, file)
    return Split(**torch.load(file, weights_only=True))


def split(folder: Path, name: str) -> Split:
    """The parts of one data set below `folder`, the same in every call."""
    labeled, test = SIZES[name]
    if name == "cifar10":
        x, y = images(next((folder / name).glob("train-00000-*.parquet")))
        held, held_y = images(next((folder / name).glob("test-*.parquet")))
        *parts, last = cifar10_rows(len(x), len(held))
        return Split(*((x[rows], y[rows]) for rows in parts), (held[last], held_y[last]))
    x, y = images(folder / name / "test.parquet")
    parts = torch.from_numpy(permutation(0, len(x)).copy()).split((TRAIN, UNLABELED, labeled, test))
    return Split(*((x[rows], y[rows]) for rows in parts))


def cifar10_rows(train: int, test: int) -> list[Tensor]:
    """Which rows of the first training file and of the test file are `Split`'s parts, from how many there are."""
    sizes = (TRAIN, UNLABELED, SIZES["cifar10"][0])
    parts = torch.from_numpy(permutation(0, train)[: sum(sizes)].copy()).split(sizes)
    return [*parts, torch.from_numpy(permutation(0, test)[: SIZES["cifar10"][1]].copy())]


def images(path: Path, channels: int | None = None) -> tuple[Tensor, Tensor]:
    """All images of a file, resized to SIDE (bilinear, antialiased), as uint8, and their labels."""
    resize = Preprocessing(size=SIDE, channels=channels)
    batches = list(open_source(str(path), name=path.stem).batches(2048))
    x = torch.cat([(resize(batch.views[0]).clamp(0, 1) * 255).round().to(torch.uint8) for batch in batches])
    return x, torch.cat([batch.labels for batch in batches]).long()
