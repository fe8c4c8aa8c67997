"""What may be handed to `rademacher`: tables, arrays, pairs, lists of checkpoints, batches of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.representations.table import Representations


def as_table(data: Any, *, pairs: bool, name: str = "data") -> Representations:
    """A table from a `Representations`, an array (N, d), or a tuple (z, y), (z1, z2), (z1, z2, y).

    Raises:
        InvalidData: shapes that are none of these, or one view where the class is about pairs.
    """
    table = data if isinstance(data, Representations) else _from_arrays(data, name)
    if pairs and len(table.views) != 2:
        raise InvalidData(f"`{table.name}` has one view; this class is about pairs, give (z1, z2).")
    return table


def _from_arrays(data: Any, name: str) -> Representations:
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not parts or not all(hasattr(part, "shape") for part in parts):
        raise InvalidData(
            f"`{name}` must be a table, an array (N, d) or a tuple of arrays, got {type(data).__name__}."
        )
    labels = None
    if len(parts) > 1 and len(parts[-1].shape) == 1:
        last = parts[-1]
        labels = np.asarray(last.cpu() if isinstance(last, Tensor) else last)
        parts = parts[:-1]
        if not np.issubdtype(labels.dtype, np.integer):
            raise InvalidData(f"The labels of `{name}` must be integers, got {labels.dtype}.")
    return Representations(parts, None if labels is None else labels.astype(np.int64), name)


@dataclass(frozen=True)
class ImagePairs:
    """Inputs of an encoder, two per item: arrays (m, ...) of one shape, read in float32 batches."""

    first: Any
    second: Any

    @property
    def count(self) -> int:
        """Number of pairs."""
        return int(self.first.shape[0])

    def batches(self, rows: int, device: torch.device | str) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (number of the first row, x1, x2).

        Raises:
            InvalidData: at the first block that holds NaN or infinity.
        """
        for start in range(0, self.count, rows):
            pair = [
                torch.as_tensor(x[start : start + rows]).to(device, torch.float32)
                for x in (self.first, self.second)
            ]
            if not all(bool(torch.isfinite(x).all()) for x in pair):
                raise InvalidData(
                    f"The images have NaN or infinity in rows {start} to {start + len(pair[0]) - 1}."
                )
            yield start, pair[0], pair[1]


def as_images(data: Any) -> ImagePairs:
    """Pairs of encoder inputs from (x1, x2).

    Raises:
        InvalidData: not two arrays of one shape with at least two axes, empty, or integers not yet
            preprocessed.
    """
    if isinstance(data, Representations):
        data = data.views
    if not isinstance(data, (tuple, list)) or len(data) != 2 or not all(hasattr(x, "shape") for x in data):
        raise InvalidData("A class of networks needs the encoder's inputs as a pair of arrays (x1, x2).")
    shapes = [tuple(x.shape) for x in data]
    if shapes[0] != shapes[1] or len(shapes[0]) < 2 or 0 in shapes[0]:
        raise InvalidData(
            f"x1 and x2 must have one shape (m, ...), not empty, got {shapes[0]} and {shapes[1]}."
        )
    if any("float" not in str(x.dtype) for x in data):
        raise InvalidData(
            f"x1 and x2 must be floating-point encoder inputs, got {data[0].dtype}; preprocess them first."
        )
    return ImagePairs(*data)
