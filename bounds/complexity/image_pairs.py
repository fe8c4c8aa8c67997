"""Pairs of images for classes of networks, prepared as the encoder expects and read in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.data.masks import refuse_masked
from bounds.errors import InvalidData

Prepare = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ImagePairs:
    """Inputs of a network, two per item: arrays (m, ...) of one shape, and what turns a batch into its input.

    Raises:
        InvalidData: two shapes, fewer than two axes, nothing in it, or integers without a `prepare`.
    """

    first: Any
    second: Any
    prepare: Prepare | None = None

    def __post_init__(self) -> None:
        for name, images in (("x1", self.first), ("x2", self.second)):
            refuse_masked(images, name)
        shapes = [tuple(x.shape) for x in (self.first, self.second)]
        if shapes[0] != shapes[1] or len(shapes[0]) < 2 or 0 in shapes[0]:
            raise InvalidData(
                f"x1 and x2 must have one shape (m, ...), not empty, got {shapes[0]} and {shapes[1]}."
            )
        if self.prepare is None and "float" not in str(self.first.dtype):
            raise InvalidData(
                f"x1 and x2 must be floating-point network inputs, got {self.first.dtype}; preprocess them."
            )

    @property
    def count(self) -> int:
        """Number of pairs."""
        return int(self.first.shape[0])

    def batches(self, starts: range, device: torch.device | str) -> Iterator[tuple[range, Tensor, Tensor]]:
        """Yield (numbers of the rows, x1, x2), float32, ready for the network; `starts` are the first rows.

        Raises:
            InvalidData: at the first batch that holds NaN or infinity.
        """
        for start in starts:
            stop = min(start + starts.step, self.count)
            x1, x2 = (self._read(x, start, stop, device) for x in (self.first, self.second))
            yield range(start, stop), x1, x2

    def _read(self, images: Any, start: int, stop: int, device: torch.device | str) -> Tensor:
        block = torch.as_tensor(images[start:stop]).to(device)
        block = (block if self.prepare is None else self.prepare(block)).to(torch.float32)
        if not bool(torch.isfinite(block).all()):
            raise InvalidData(f"The images have NaN or infinity in rows {start} to {start + len(block) - 1}.")
        return block
