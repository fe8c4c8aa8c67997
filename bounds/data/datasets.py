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
from bounds.data.checks import as_tensor, channels_first, is_label, kind_of, pick_keys
from bounds.data.class_names import Names, class_names
from bounds.data.decode import Form, numeric, pixels, stack
from bounds.data.fingerprints import fingerprints
from bounds.errors import BoundsError, InvalidData

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
        first = _stacked([self._item(0)], Form(), where, 0)
        self.views, self.has_labels, self._first = len(first.views), first.labels is not None, _digest(first)
        self.kind, self._channels = (
            kind_of(first.views[0].shape, first.views[0].dtype, where),
            _channels(first),
        )
        if self.has_labels:
            self.class_names, self.num_classes = _named(dataset, num_classes, where)

    def fingerprint(self) -> dict[str, Any]:
        """The data set's class, its length, and the SHA-256 of its first item."""
        name = type(self._dataset).__name__
        return {"type": "dataset", "class": name, "count": self.count, "first_sha256": self._first}

    def _item(self, row: int) -> Any:
        try:
            return self._dataset[row]
        except BoundsError:
            raise
        except Exception as err:
            raise InvalidData(f"{self.where} cannot give row {row} ({_said(err)}).") from err

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        end = self._length if stop is None else min(stop, self._length)
        for row in range(start, end, batch_size):
            items = [self._item(i) for i in range(row, min(row + batch_size, end))]
            yield _stacked(items, form, self.where, row)


class LoaderSource(BlockSource):
    """A `DataLoader`, whose batches are taken as they come, or an iterable data set.

    Looking at the first batch begins the first reading, so that a stream which can be read only once is read whole.
    """

    def __init__(
        self, loader: DataLoader[Any] | IterableDataset[Any], where: str, num_classes: int | None
    ) -> None:
        self._listed = isinstance(loader, IterableDataset)
        if isinstance(loader, IterableDataset):
            loader = DataLoader(loader, batch_size=_LISTED, collate_fn=list)
        self.where, self.num_classes, self._loader = where, num_classes, loader
        self.count = _length(loader)
        self._rows: int | None = None
        batches = iter(loader)
        looked_at = self._next(batches, 0)
        if looked_at is None:
            raise InvalidData(f"{where} is empty, or was read before and begins only once; give it anew.")
        self._begun: tuple[Any, Iterator[Any]] | None = (looked_at, batches)
        first = self._block(looked_at, Form(), 0)
        self.views, self.has_labels, self._first = len(first.views), first.labels is not None, _digest(first)
        self.kind, self._channels = (
            kind_of(first.views[0].shape, first.views[0].dtype, where),
            _channels(first),
        )
        if self.has_labels:
            self.class_names, self.num_classes = _named(loader.dataset, num_classes, where)

    def fingerprint(self) -> dict[str, Any]:
        """The data set's class, its length where known, and the SHA-256 of the first item that came."""
        name = type(self._loader.dataset).__name__
        return {"type": "loader", "class": name, "count": self.count, "first_sha256": self._first}

    def _next(self, batches: Iterator[Any], row: int) -> Any:
        try:
            return next(batches, None)
        except BoundsError:
            raise
        except Exception as err:
            raise InvalidData(f"{self.where} cannot give the batch from row {row} ({_said(err)}).") from err

    def _block(self, batch: Any, form: Form, row: int) -> Block:
        if self._listed:
            return _stacked(batch, form, self.where, row)
        name = f"The batch from row {row} of {self.where}"
        views, labels = split(batch, 1, name)
        images = tuple(numeric(view, name) for view in views)
        if form.size is None or images[0].ndim == 2:
            return Block(images, labels)
        images = tuple(channels_first(image) for image in images)
        keys = np.stack([fingerprints(image) for image in images], axis=1)
        return Block(tuple(map(form.size, images)), labels, keys)

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        (batch, batches), self._begun = self._begun or (None, iter(self._loader)), None
        row = 0
        while batch is not None or (batch := self._next(batches, row)) is not None:
            views, labels, keys, turned = self._block(batch, form, row)
            keep = slice(max(start - row, 0), None if stop is None else max(stop - row, 0))
            row += len(views[0])
            batch = None
            if row > start:
                yield Block(
                    tuple(view[keep] for view in views),
                    None if labels is None else labels[keep],
                    None if keys is None else keys[keep],
                    turned,
                )
            if stop is not None and row >= stop:
                return
        if self._rows not in (None, row):
            raise InvalidData(
                f"{self.where} gave {self._rows} rows and now {row}; give data that begin anew with each reading."
            )
        self._rows = row


def split(item: Any, label_axes: int, name: str) -> tuple[tuple[Any, ...], Any]:
    """The views and the label (or None) of an item, or of a batch when labels have one axis.

    Items are x, (x,), (x, y), (x1, x2), (x1, x2, y), ((x1, x2), y), or a mapping with such keys.

    Raises:
        InvalidData: another structure, or labels with several classes for an item.
    """
    if isinstance(item, Mapping):
        views, label = pick_keys(item.keys(), name)
        return tuple(item[key] for key in views), None if label is None else item[label]
    if not isinstance(item, tuple | list):
        return (item,), None
    if len(item) in (1, 2) and isinstance(item[0], tuple | list):
        return tuple(item[0]), item[1] if len(item) == 2 else None
    if len(item) == 2 and (item[1] is None or is_label(item[0], item[1], label_axes, name)):
        return (item[0],), item[1]
    if len(item) in (1, 2):
        return tuple(item), None
    if len(item) == 3:
        return tuple(item[:2]), item[2]
    raise InvalidData(
        f"{name} is a {type(item).__name__} of {len(item)}; items are x, (x, y), or ((x1, x2), y)."
    )


def _stacked(items: list[Any], form: Form, where: str, first_row: int) -> Block:
    parts = [split(item, 0, f"Row {row} of {where}") for row, item in enumerate(items, start=first_row)]
    unlike = [len(views) != len(parts[0][0]) or (y is not None and parts[0][1] is None) for views, y in parts]
    if any(unlike):
        odd = unlike.index(True)
        raise InvalidData(
            f"{where} has items of unequal structure: row {first_row + odd} has {_structure(parts[odd])}, others "
            f"{_structure(parts[0])}."
        )
    made = [
        stack(
            [pixels(x, f"Row {row} of {where}") for row, x in enumerate(view, start=first_row)],
            form,
            where,
            first_row,
        )
        for view in zip(*(views for views, _ in parts), strict=True)
    ]
    labels = [label for _, label in parts]
    return Block(
        tuple(one.values for one in made),
        None if parts[0][1] is None else [_plain(label) for label in labels],
        np.stack([one.fingerprints for one in made], axis=1),
        made[0].turned,
    )


def _structure(part: tuple[tuple[Any, ...], Any]) -> str:
    views, label = part
    return (
        f"{len(views)} view{'s' if len(views) > 1 else ''} and {'no label' if label is None else 'a label'}"
    )


def _plain(label: Any) -> Any:
    if isinstance(label, Tensor | np.ndarray | np.generic):
        label = label.tolist()
    return label[0] if isinstance(label, list | tuple) and len(label) == 1 else label


def _named(dataset: Any, num_classes: int | None, where: str) -> tuple[Names | None, int | None]:
    """Names of the classes of a torchvision data set or its subset, and the number of classes that labels may have."""
    while hasattr(dataset, "dataset") and hasattr(dataset, "indices"):
        dataset = dataset.dataset
    names = getattr(dataset, "classes", None)
    if getattr(dataset, "target_transform", None) is not None or not isinstance(names, list | tuple):
        return None, num_classes
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names) or not names:
        return None, num_classes
    return class_names(names, where), min(num_classes or len(names), len(names))


def _channels(block: Block) -> int | None:
    view = block.views[0]
    return None if view.ndim == 2 else channels_first(as_tensor(view)).shape[1]


def _said(err: Exception) -> str:
    """What an error says, in one line: a worker of a loader sends its whole traceback."""
    lines = str(err).strip().splitlines() or [""]
    return lines[-1] if lines[0].startswith("Caught ") else f"{type(err).__name__}: {lines[0]}"


def _digest(block: Block) -> str:
    sha = hashlib.sha256()
    for view in block.views:
        sha.update(as_tensor(view[0]).cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _length(loader: DataLoader[Any]) -> int | None:
    if loader.batch_size is None or loader.drop_last:
        return None
    try:
        return len(loader.sampler)  # type: ignore[arg-type]
    except TypeError:
        return None
