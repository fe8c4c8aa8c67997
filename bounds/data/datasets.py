"""torch data sets and loaders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from bounds.data.base import Block, BlockSource
from bounds.data.checks import kind_of, pick_keys
from bounds.data.decode import pixels, stack
from bounds.errors import InvalidData

_LISTED = 256  # items of an iterable data set that are read at a time


class DatasetSource(BlockSource):
    """A map-style data set; its items are as in `split`."""

    def __init__(self, dataset: Dataset[Any], where: str, num_classes: int | None) -> None:
        self.where, self.num_classes, self._dataset = where, num_classes, dataset
        try:
            self._length = len(dataset)  # type: ignore[arg-type]
        except TypeError as err:
            raise InvalidData(f"{where} is a data set without a length; wrap it in a DataLoader.") from err
        if self._length < 1:
            raise InvalidData(f"{where} is an empty data set; give at least one item.")
        self.count = self._length
        (views, labels), self._first = _looked_at(_stacked([self._item(0)], None, where, 0))
        self.views, self.has_labels = len(views), labels is not None
        self.kind = kind_of(views[0].shape, views[0].dtype, where)

    def fingerprint(self) -> dict[str, Any]:
        """The data set's class, its length, and the SHA-256 of its first item."""
        name = type(self._dataset).__name__
        return {"type": "dataset", "class": name, "count": self.count, "first_sha256": self._first}

    def _item(self, row: int) -> Any:
        try:
            return self._dataset[row]
        except Exception as err:
            err.add_note(f"while reading row {row} of {self.where}")
            raise

    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        end = self._length if stop is None else min(stop, self._length)
        for row in range(start, end, batch_size):
            items = [self._item(i) for i in range(row, min(row + batch_size, end))]
            yield _stacked(items, size, self.where, row)


class LoaderSource(BlockSource):
    """A `DataLoader`, whose batches are taken as they come, or an iterable data set."""

    def __init__(
        self, loader: DataLoader[Any] | IterableDataset[Any], where: str, num_classes: int | None
    ) -> None:
        self._listed = isinstance(loader, IterableDataset)
        if isinstance(loader, IterableDataset):
            loader = DataLoader(loader, batch_size=_LISTED, collate_fn=list)
        self.where, self.num_classes, self._loader = where, num_classes, loader
        self.count = _length(loader)
        with torch.random.fork_rng(devices=[]):  # looking must not change the order of a shuffled loader
            first = next(iter(loader), None)
        if first is None:
            raise InvalidData(f"{where} is empty; give at least one item.")
        (views, labels), self._first = _looked_at(self._block(first, None, 0))
        self.views, self.has_labels = len(views), labels is not None
        self.kind = kind_of(views[0].shape, views[0].dtype, where)

    def fingerprint(self) -> dict[str, Any]:
        """The data set's class, its length where known, and the SHA-256 of the first item that came."""
        name = type(self._loader.dataset).__name__
        return {"type": "loader", "class": name, "count": self.count, "first_sha256": self._first}

    def _block(self, batch: Any, size: int | None, row: int) -> Block:
        if self._listed:
            return _stacked(batch, size, self.where, row)
        views, labels = split(batch, 1, f"The batch from row {row} of {self.where}")
        return tuple(pixels(view, f"The batch from row {row} of {self.where}") for view in views), labels

    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        row = 0
        for batch in self._loader:
            views, labels = self._block(batch, size, row)
            keep = slice(max(start - row, 0), None if stop is None else max(stop - row, 0))
            row += len(views[0])
            if row > start:
                yield tuple(view[keep] for view in views), None if labels is None else labels[keep]
            if stop is not None and row >= stop:
                return


def split(item: Any, label_axes: int, name: str) -> tuple[tuple[Any, ...], Any]:
    """The views and the label (or None) of an item, or of a batch when labels have one axis.

    Items are x, (x,), (x, y), (x1, x2), (x1, x2, y), ((x1, x2), y), or a mapping with such keys.

    Raises:
        InvalidData: another structure.
    """
    if isinstance(item, Mapping):
        views, label = pick_keys(item.keys(), name)
        return tuple(item[key] for key in views), None if label is None else item[label]
    if not isinstance(item, tuple | list):
        return (item,), None
    if len(item) in (1, 2) and isinstance(item[0], tuple | list):
        return tuple(item[0]), item[1] if len(item) == 2 else None
    if len(item) == 2 and (item[1] is None or np.ndim(item[1]) == label_axes):
        return (item[0],), item[1]
    if len(item) in (1, 2):
        return tuple(item), None
    if len(item) == 3:
        return tuple(item[:2]), item[2]
    raise InvalidData(
        f"{name} is a {type(item).__name__} of {len(item)}; items are x, (x, y), or ((x1, x2), y)."
    )


def _stacked(items: list[Any], size: int | None, where: str, first_row: int) -> Block:
    parts = [split(item, 0, f"Row {row} of {where}") for row, item in enumerate(items, start=first_row)]
    views = zip(*(views for views, _ in parts), strict=True)
    batch = tuple(
        stack(
            [pixels(x, f"Row {row} of {where}") for row, x in enumerate(view, start=first_row)],
            size,
            where,
            first_row,
        )
        for view in views
    )
    labels = [label for _, label in parts]
    return batch, None if labels[0] is None else np.array(
        [y.item() if isinstance(y, Tensor) else y for y in labels]
    )


def _looked_at(block: Block) -> tuple[Block, str]:
    sha = hashlib.sha256()
    for view in block[0]:
        sha.update(view[0].cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return block, sha.hexdigest()


def _length(loader: DataLoader[Any]) -> int | None:
    if loader.batch_size is None or loader.drop_last:
        return None
    try:
        return len(loader.sampler)  # type: ignore[arg-type]
    except TypeError:
        return None
