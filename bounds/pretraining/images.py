"""A data set as one uint8 tensor, with what identifies it, so that it can lie on the device as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.data.base import Batch
from bounds.data.fingerprints import fingerprints
from bounds.data.preprocessing import Preprocessing
from bounds.errors import InvalidData
from bounds.representations.inputs import open_source

_SHARE = 0.5  # of the free device memory that images may take


@dataclass(frozen=True)
class Images:
    """Images in memory.

    Attributes:
        pixels: uint8 (N, C, H, W).
        labels: int64 (N,) or None.
        digest: SHA-256 of shape and pixels.
        prints: Fingerprints of the images as they were given, uint64 (N,).
    """

    pixels: Tensor
    labels: Tensor | None
    digest: str
    prints: np.ndarray

    @classmethod
    def load(cls, data: Any, *, name: str = "data", size: int | None = None) -> Images:
        """Read all of anything `open_source` takes; float images are rounded to 1/255.

        Args:
            data: Images, with or without labels.
            name: For error messages.
            size: Side in pixels to which images of unequal sizes are brought.

        Raises:
            InvalidData: data that cannot be read, or vectors instead of images.
        """
        source = open_source(data, name=name)
        if source.kind != "images" or source.views != 1:
            raise InvalidData(
                f"`{name}` must be images, one view an item: the trainer makes the views itself."
            )
        batches = list(source.batches(1024, size=size))
        pixels = torch.cat([_as_uint8(batch.views[0]) for batch in batches])
        labels = (
            torch.cat([batch.labels for batch in batches if batch.labels is not None])
            if source.has_labels
            else None
        )
        if labels is not None and bool((labels < 0).all()):
            labels = None  # -1 is an item without label
        digest = hashlib.sha256(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes()).hexdigest()
        return cls(pixels, labels, digest, np.concatenate([_prints(batch) for batch in batches]))

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: torch.device) -> Images:
        """On the device where they fit into half of its free memory; else where they are."""
        if device.type == "cuda" and self.pixels.nbytes > _SHARE * torch.cuda.mem_get_info(device)[0]:
            return self
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, pixels=self.pixels.to(device), labels=labels)

    def statistics(self) -> Preprocessing:
        """Normalisation by the mean and standard deviation of every channel over these images."""
        sums = torch.zeros(2, self.pixels.shape[1], dtype=torch.float64)
        for start in range(0, len(self), 4096):
            x = self.pixels[start : start + 4096].double().cpu() / 255
            sums += torch.stack([x.sum(dim=(0, 2, 3)), x.square().sum(dim=(0, 2, 3))])
        mean, square = sums / (len(self.pixels) * self.pixels[0, 0].numel())
        std = (square - mean.square()).clamp_min(1e-8).sqrt()
        return Preprocessing(tuple(mean.tolist()), tuple(std.tolist()), channels=self.pixels.shape[1])


def _prints(batch: Batch) -> np.ndarray:
    """Of the images before they were brought to size, where the source knows them."""
    known = getattr(batch, "fingerprints", None)
    return fingerprints(batch.views[0]) if known is None else np.asarray(known)[:, 0]


def _as_uint8(x: Tensor) -> Tensor:
    return x if x.dtype == torch.uint8 else (x.float() * 255).round().clamp(0, 255).to(torch.uint8)
