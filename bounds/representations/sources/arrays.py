"""Arrays, memory maps and tensors, sliced batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.representations.sources.base import Block, BlockSource
from bounds.representations.sources.checks import check_labels, kind_of

_HASH_ROWS = 4096


class ArraySource(BlockSource):
    """One array or two, anything with `shape`, `dtype` and row slices, and optional labels.

    Attributes:
        arrays: The views as given.
        labels: int64 (N,) or None.
    """

    def __init__(
        self,
        arrays: tuple[Any, ...],
        labels: Any,
        where: str,
        num_classes: int | None,
        fingerprint: Callable[[], dict[str, Any]] | None = None,
    ) -> None:
        arrays = tuple(_held(array, where) for array in arrays)
        shapes = [tuple(array.shape) for array in arrays]
        kinds = [kind_of(shape, array.dtype, where) for shape, array in zip(shapes, arrays, strict=True)]
        if len(set(shapes)) > 1:
            raise InvalidData(
                f"{where} has arrays of shapes {shapes[0]} and {shapes[1]}; "
                "two views need one shape, and labels are integers of shape (N,)."
            )
        self.where, self.kind, self.views, self.has_labels = where, kinds[0], len(arrays), labels is not None
        self.count, self.num_classes, self.arrays = shapes[0][0], num_classes, arrays
        self.labels = None if labels is None else check_labels(labels, self.count, num_classes, where)
        self._fingerprint = fingerprint or self._digests

    @property
    def indexable(self) -> bool:
        """Whether rows can be picked in any order, which a file that is read in passing does not allow."""
        return all(
            getattr(array, "indexable", isinstance(array, np.ndarray | Tensor)) for array in self.arrays
        )

    def fingerprint(self) -> dict[str, Any]:
        """Shape, type and SHA-256 of the bytes of each array; for files what identifies them."""
        return self._fingerprint()

    def _digests(self) -> dict[str, Any]:
        kept = self.arrays if self.labels is None else (*self.arrays, self.labels)
        return {"type": "arrays", "arrays": [_digest(array) for array in kept]}

    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        length = len(self.arrays[0])
        end = length if stop is None else min(stop, length)
        for row in range(start, end, batch_size):
            rows = slice(row, min(row + batch_size, end))
            labels = None if self.labels is None else self.labels[rows]
            yield tuple(array[rows] for array in self.arrays), labels


def _held(array: Any, where: str) -> Any:
    """The array with values in memory, in the byte order of the machine."""
    if isinstance(array, Tensor):
        if array.layout != torch.strided:
            raise InvalidData(f"{where} is a sparse tensor; give x.to_dense().")
        if array.is_meta:
            raise InvalidData(f"{where} has no values (device meta); give a tensor that holds them.")
        if array.is_quantized:
            raise InvalidData(f"{where} is a quantised tensor; give x.dequantize().")
    elif isinstance(array, np.ndarray) and not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array


def _digest(array: Any) -> dict[str, Any]:
    sha = hashlib.sha256()
    for row in range(0, len(array), _HASH_ROWS):
        block = array[row : row + _HASH_ROWS]
        if isinstance(block, Tensor):
            block = block.detach().cpu().contiguous().view(torch.uint8).numpy()
        sha.update(np.ascontiguousarray(block).data.cast("B"))
    dtype = str(array.dtype).removeprefix("torch.")
    return {"shape": list(array.shape), "dtype": dtype, "sha256": sha.hexdigest()}
