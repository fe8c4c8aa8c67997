"""Arrays, memory maps and tensors, sliced batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.data.base import Block, BlockSource
from bounds.data.checks import Kind, as_tensor, check_labels, kind_of, unambiguous
from bounds.data.class_names import Names
from bounds.data.decode import Form
from bounds.data.fingerprints import fingerprints
from bounds.data.masks import refuse_masked
from bounds.errors import InvalidData

_HASH_ROWS = 4096


class ArraySource(BlockSource):
    """One array or two, anything with `shape`, `dtype` and row slices, and optional labels.

    Attributes:
        arrays: The views as given.
        labels: int64 (N,) or None.
        fingerprints: Of the items behind representations where they are known, and what they are of: uint64 (N, V).
    """

    def __init__(
        self,
        arrays: tuple[Any, ...],
        labels: Any,
        where: str,
        num_classes: int | None,
        fingerprint: Callable[[], dict[str, Any]] | None = None,
        fingerprints: tuple[Kind, Any] | None = None,
        class_names: Names | None = None,
    ) -> None:
        for array in arrays:
            refuse_masked(array, where)
        shapes = [tuple(array.shape) for array in arrays]
        kinds = [kind_of(shape, array.dtype, where) for shape, array in zip(shapes, arrays, strict=True)]
        for array, shape in zip(arrays, shapes, strict=True):
            if not isinstance(array, Tensor):
                unambiguous(shape, where)
            if isinstance(array, Tensor | np.ma.MaskedArray):
                as_tensor(array, where)
        if len(set(shapes)) > 1:
            raise InvalidData(
                f"{where} has arrays of shapes {shapes[0]} and {shapes[1]}; "
                "two views need one shape, and labels are integers of shape (N,)."
            )
        if class_names is not None:
            num_classes = min(num_classes or len(class_names), len(class_names))
        self.where, self.kind, self.views, self.has_labels = where, kinds[0], len(arrays), labels is not None
        self.count, self.num_classes, self.arrays = shapes[0][0], num_classes, arrays
        self.labels = None if labels is None else check_labels(labels, self.count, num_classes, where)
        if self.kind == "images":
            shape = shapes[0]
            self._channels = 1 if len(shape) == 3 else shape[1] if shape[1] in (1, 3) else shape[3]
        self._fingerprint = fingerprint or self._digests
        self.fingerprints, self.class_names = fingerprints, class_names

    @property
    def indexable(self) -> bool:
        """Whether rows can be picked in any order, which a file that is read in passing does not allow."""
        return all(
            getattr(array, "indexable", isinstance(array, np.ndarray | Tensor)) for array in self.arrays
        )

    @property
    def fingerprinted(self) -> Kind:
        """What the fingerprints are of."""
        return self.kind if self.fingerprints is None else self.fingerprints[0]

    def all_fingerprints(self) -> np.ndarray:
        """The fingerprints of all items, uint64 (N, V)."""
        if self.fingerprints is not None:
            known: np.ndarray = self.fingerprints[1][:]
            return known
        count = self.arrays[0].shape[0]
        found = np.empty((count, len(self.arrays)), np.uint64)
        for view, array in enumerate(self.arrays):
            for row in range(0, count, _HASH_ROWS):
                found[row : row + _HASH_ROWS, view] = fingerprints(as_tensor(array[row : row + _HASH_ROWS]))
        return found

    def fingerprint(self) -> dict[str, Any]:
        """Shape, type and SHA-256 of the bytes of each array; for files what identifies them."""
        return self._fingerprint()

    def _digests(self) -> dict[str, Any]:
        kept = self.arrays if self.labels is None else (*self.arrays, self.labels)
        return {"type": "arrays", "arrays": [_digest(array) for array in kept]}

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        length = self.arrays[0].shape[0]
        end = length if stop is None else min(stop, length)
        for row in range(start, end, batch_size):
            rows = slice(row, min(row + batch_size, end))
            labels = None if self.labels is None else self.labels[rows]
            keys = None if self.fingerprints is None else self.fingerprints[1][rows]
            yield Block(tuple(array[rows] for array in self.arrays), labels, keys)


def _digest(array: Any) -> dict[str, Any]:
    sha = hashlib.sha256()
    for row in range(0, array.shape[0], _HASH_ROWS):
        block = array[row : row + _HASH_ROWS]
        if isinstance(block, Tensor):
            block = block.detach().cpu().contiguous().view(torch.uint8).numpy()
        sha.update(np.ascontiguousarray(block).data.cast("B"))
    dtype = str(array.dtype).removeprefix("torch.")
    return {"shape": list(array.shape), "dtype": dtype, "sha256": sha.hexdigest()}
