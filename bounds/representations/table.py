"""A re-iterable table of representations: one or two views per item, optional labels, read in float64 chunks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from bounds.data.masks import refuse_masked
from bounds.data.prefetch import to_device
from bounds.errors import InvalidData

Chunk = tuple[tuple[Tensor, ...], Tensor | None]

# Small enough for the cache and for memory that is used again: larger temporaries are fresh pages every time.
_CHUNK_FLOATS = 2**20
_MOST_ROWS = 2048
Watcher = Callable[[int, int], None]  # rows read of a pass, and how many it has
_watching: Watcher | None = None


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Every pass over a table tells the watcher how far it is, inside; None leaves the one before."""
    global _watching
    before = _watching
    _watching = watcher or before
    try:
        yield
    finally:
        _watching = before


@dataclass(frozen=True)
class Representations:
    """Vectors f(x), rows are items; what every summary reads and may read again.

    Attributes:
        views: One array (N, d), or two for pairs; anything sliceable by rows: numpy, memory map, tensor.
        labels: Class indices (N,), int64, or None.
        name: What to call the table in error messages.
        fingerprints: Of the items behind each row as they were given, uint64 (N, V), or None where they are unknown:
            V = 1, or 2 where the views of a pair are two items. See `bounds.data.fingerprints`.
        fingerprinted: What they are of, "images" or "vectors"; one is not to be compared with the other.
        transform: Applied to every chunk (N, d) on reading, after the check for NaN: l2 normalisation, clipping.

    Raises:
        InvalidData: shapes that do not fit together, no rows, masked entries, or labels that are not class indices.
    """

    views: tuple[Any, ...]
    labels: np.ndarray | None = None
    name: str = "representations"
    transform: Callable[[Tensor], Tensor] | None = None
    fingerprints: np.ndarray | None = None
    fingerprinted: Literal["images", "vectors"] | None = None

    def __post_init__(self) -> None:
        if len(self.views) not in (1, 2):
            raise InvalidData(f"`{self.name}` must have one view or two, got {len(self.views)}.")
        for array in (*self.views, self.labels):
            refuse_masked(array, f"`{self.name}`")
        shapes = [tuple(view.shape) for view in self.views]
        if any(len(shape) != 2 for shape in shapes):
            raise InvalidData(
                f"`{self.name}` must be (N, d), got shape {shapes[0]}; flatten each item to one row."
            )
        if len(set(shapes)) > 1:
            raise InvalidData(
                f"The two views of `{self.name}` must have one shape, got {shapes[0]} and {shapes[1]}."
            )
        if 0 in shapes[0]:
            raise InvalidData(
                f"`{self.name}` is empty: shape {shapes[0]}; give at least one item and one dimension."
            )
        if self.labels is not None and tuple(self.labels.shape) != (self.count,):
            raise InvalidData(
                f"The labels of `{self.name}` must have one entry per row ({self.count}), "
                f"got shape {tuple(self.labels.shape)}."
            )

        if self.fingerprints is not None and (
            self.fingerprints.ndim != 2 or len(self.fingerprints) != self.count
        ):
            raise InvalidData(
                f"The fingerprints of `{self.name}` must be (N, V) with N = {self.count}, "
                f"got shape {self.fingerprints.shape}."
            )

    @property
    def count(self) -> int:
        """Number of items."""
        return int(self.views[0].shape[0])

    @property
    def dim(self) -> int:
        """Dimension d of the representation."""
        return int(self.views[0].shape[1])

    def chunks(
        self,
        rows: int | None = None,
        device: torch.device | str = "cpu",
        *,
        start: int = 0,
        stop: int | None = None,
        items: np.ndarray | None = None,
    ) -> Iterator[Chunk]:
        """Yield ((z,) or (z1, z2), labels) in float64, `rows` items at a time.

        Args:
            rows: Items in a chunk; by default as many as take 8 MB, at most 2,048.
            device: Where the chunks go.
            start: First item.
            stop: Item after the last.
            items: Numbers of the items to read, in this order, in place of all; `start` and `stop` then count them.

        Raises:
            InvalidData: at the first row that holds NaN or infinity, naming it.
        """
        rows = min(_MOST_ROWS, -(-_CHUNK_FLOATS // self.dim)) if rows is None else rows
        end = self.count if items is None else len(items)
        end = end if stop is None else min(stop, end)
        for first in range(start, end, rows):
            last = min(first + rows, end)
            chosen = slice(first, last) if items is None else items[first:last]
            views = tuple(self._read(view, chosen, device) for view in self.views)
            labels = None if self.labels is None else torch.from_numpy(self.labels[chosen]).to(device)
            if _watching is not None:
                _watching(last - start, end - start)
            yield views, labels

    def _read(self, view: Any, chosen: slice | np.ndarray, device: torch.device | str) -> Tensor:
        rows = view[chosen]
        block = torch.as_tensor(
            np.array(rows, rows.dtype.newbyteorder("=")) if isinstance(rows, np.ndarray) else rows
        )
        block = to_device(block.detach(), device).double()
        # One reduction in the usual case: a sum is finite only if every entry is.
        if not math.isfinite(float(block.sum())):
            bad = (~torch.isfinite(block).all(dim=1)).nonzero()
            if len(bad):
                at = int(bad[0, 0])
                row = chosen.start + at if isinstance(chosen, slice) else int(chosen[at])
                raise InvalidData(
                    f"`{self.name}` has NaN or infinity in row {row}; remove the row or mend the encoder."
                )
        return block if self.transform is None else self.transform(block)
