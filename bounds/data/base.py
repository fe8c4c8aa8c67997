"""What all data look like to the extraction: checked batches in order, from any row, with a fingerprint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bounds.data.checks import Kind, as_tensor, channels_first, check_labels, check_values, kind_of
from bounds.data.class_names import Names, listed, renumbered, renumbering, united
from bounds.data.decode import Form, unequal
from bounds.data.fingerprints import fingerprints
from bounds.data.preprocessing import Geometry
from bounds.errors import InvalidData


class Block(NamedTuple):
    """Consecutive rows as they were read.

    Attributes:
        views: Raw values, one array or two.
        labels: Raw labels, or None.
        fingerprints: uint64 (n, V) where the views are not as they were given, else None.
        turned: Number of images with an orientation tag.
    """

    views: tuple[Any, ...]
    labels: Any = None
    fingerprints: np.ndarray | None = None
    turned: int = 0


@dataclass(frozen=True)
class Batch:
    """Consecutive items of a source.

    Attributes:
        views: One tensor, or two for pairs: images (n, C, H, W) in their own type, or vectors (n, d).
        labels: int64 (n,) or None.
        first_row: Row of the first item.
        fingerprints: uint64 (n, V), of the V items behind a row as they were given (see `fingerprints`).
        turned: Number of images with an orientation tag, which is not applied.
    """

    views: tuple[Tensor, ...]
    labels: Tensor | None
    first_row: int
    fingerprints: np.ndarray
    turned: int = 0

    @property
    def count(self) -> int:
        """Number of items n."""
        return len(self.views[0])


class Source(ABC):
    """Data of one role, read in checked batches from any row.

    Attributes:
        where: The argument it came from, and its file: the beginning of every error message.
        kind: "images", or "vectors" for data that already are representations.
        views: 1, or 2 for pairs.
        has_labels: Whether items have labels.
        count: Number of items, or None where only reading to the end tells.
        num_classes: The number of classes stated by the caller or declared by the data, else None.
        class_names: Name of each class where the data have names, in the order of the labels.
        notes: What was left out or is out of the ordinary, in sentences.
        found: What there is in place of labels, for error messages.
    """

    where: str
    kind: Kind
    views: int
    has_labels: bool
    count: int | None
    num_classes: int | None
    class_names: Names | None = None
    notes: tuple[str, ...] = ()
    found: str = ""
    _channels: int | None = None

    @property
    def channels(self) -> int | None:
        """Channels of every image: 3 where any image of the data has colours, None for vectors."""
        return self._channels

    @property
    def fingerprinted(self) -> Kind:
        """What the fingerprints of the batches are of: the images, or the vectors where these are all there is."""
        return self.kind

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data: file names, or shapes and types, with the SHA-256 of the bytes."""

    def batches(
        self,
        batch_size: int = 256,
        *,
        start: int = 0,
        stop: int | None = None,
        size: int | Geometry | None = None,
        channels: int | None = None,
        unit_range: bool = True,
    ) -> Iterator[Batch]:
        """Checked batches of the rows start..stop, in order.

        Args:
            batch_size: About how many items a batch holds; a file's end may cut one short.
            start: First row.
            stop: Row after the last; None reads to the end.
            size: Side in pixels, or the geometry, to which images are brought where their sizes may differ, which
                makes them float32 (shorter side, then the centre).
            channels: 3 to bring grey images to RGB; None leaves grey data sets grey. A data set with any coloured
                image has three channels throughout.
            unit_range: Whether float images must lie in [0, 1]; False leaves that to the encoder.

        Raises:
            InvalidData: NaN or infinity, pixels outside [0, 1], images of unequal sizes without `size`, bad
                labels, unreadable images; naming the row (of its file, where there are several).
        """
        form = Form(
            Geometry.of(size), self.channels if channels is None else max(channels, self.channels or 1)
        )
        before: torch.Size | None = None
        for batch in self._batches(start, stop, batch_size, form, unit_range):
            shape = batch.views[0].shape[1:] if self.kind == "vectors" else batch.views[0].shape[2:]
            before = before or shape
            if shape != before and (size is None or self.kind == "vectors"):
                raise unequal(self.where, before, shape, batch.first_row)
            yield batch

    @abstractmethod
    def _batches(
        self, start: int, stop: int | None, batch_size: int, form: Form, unit_range: bool
    ) -> Iterator[Batch]:
        """Batches that are checked one by one, but not yet against each other."""


class BlockSource(Source):
    """A source whose subclass delivers raw blocks of rows, which are checked here."""

    @abstractmethod
    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        """Raw rows start..stop in order, in blocks of about `batch_size`."""

    def _batches(
        self, start: int, stop: int | None, batch_size: int, form: Form, unit_range: bool
    ) -> Iterator[Batch]:
        row = start
        for raw, raw_labels, keys, turned in self._blocks(start, stop, batch_size, form):
            given = tuple(self._checked(view, row, unit_range) for view in raw)
            if keys is None:
                keys = np.stack([fingerprints(view) for view in given], axis=1)
            views = tuple(self._with_channels(view, form.channels, row) for view in given)
            if len({view.shape for view in views}) > 1:
                shapes = " and ".join(str(tuple(view.shape)) for view in views)
                raise InvalidData(
                    f"{self.where} has two views of shapes {shapes} at row {row}; give them one shape."
                )
            labels = None
            if self.has_labels:
                checked = check_labels(raw_labels, len(views[0]), self.num_classes, self.where, row)
                labels = torch.from_numpy(checked)
            yield Batch(views, labels, row, keys, turned)
            row += len(views[0])

    def _checked(self, raw: Any, row: int, unit_range: bool) -> Tensor:
        kind = kind_of(raw.shape, raw.dtype, self.where)
        if kind != self.kind:
            raise InvalidData(
                f"{self.where} has {self.kind}, but {kind} from row {row}; keep one kind of data."
            )
        x = as_tensor(raw, self.where)
        if kind == "images":
            x = channels_first(x)
        elif not x.is_floating_point():
            x = x.to(torch.float64)
        check_values(x, kind, self.where, row, unit_range)
        return x

    def _with_channels(self, x: Tensor, channels: int | None, row: int) -> Tensor:
        if x.ndim == 2 or channels is None or x.shape[1] == channels:
            return x
        if x.shape[1] == 1:
            return x.expand(-1, channels, -1, -1)
        raise InvalidData(
            f"{self.where} begins with grey images, but has RGB from row {row}; give all one channel or all three."
        )


class Chain(Source):
    """Several sources of known length and one kind, one after the other: a list of files or a glob.

    Classes go by name: where the parts name them, the labels follow one list of all names.
    """

    def __init__(self, parts: list[Source], where: str) -> None:
        first = parts[0]
        for part in parts[1:]:
            for what in ("kind", "views", "has_labels", "fingerprinted"):
                if getattr(part, what) != getattr(first, what):
                    raise InvalidData(
                        f"{part.where} and {first.where} differ in {what.replace('_', ' ')} "
                        f"({getattr(part, what)} and {getattr(first, what)}); they must be alike."
                    )
        classes = [part.num_classes for part in parts if part.num_classes is not None]
        self._counts = [part.count for part in parts if part.count is not None]
        self.where, self.kind, self.views, self.has_labels = where, first.kind, first.views, first.has_labels
        self.count = sum(self._counts)
        self.num_classes = max(classes, default=None)
        self.found, self.parts = first.found, parts
        self.class_names = _common_names(parts)
        self.notes = tuple(note for part in parts for note in part.notes)
        self._renumberings = [
            None
            if self.class_names is None or part.class_names is None
            else renumbering(part.class_names, self.class_names)
            for part in parts
        ]
        if self.class_names is not None:
            self.num_classes = max(self.num_classes or 0, len(self.class_names))

    @property
    def fingerprinted(self) -> Kind:
        """What the fingerprints of the parts are of."""
        return self.parts[0].fingerprinted

    @property
    def channels(self) -> int | None:
        """3 if any part has colours."""
        known = [part.channels for part in self.parts if part.channels is not None]
        return max(known, default=None)

    def fingerprint(self) -> dict[str, Any]:
        """The fingerprints of the parts, in order."""
        return {"type": "files", "files": [part.fingerprint() for part in self.parts]}

    def _batches(
        self, start: int, stop: int | None, batch_size: int, form: Form, unit_range: bool
    ) -> Iterator[Batch]:
        offset = 0
        for part, count, new in zip(self.parts, self._counts, self._renumberings, strict=True):
            begin, end = max(start - offset, 0), count if stop is None else min(stop - offset, count)
            if begin < end:
                for batch in part.batches(
                    batch_size,
                    start=begin,
                    stop=end,
                    size=form.size,
                    channels=form.channels,
                    unit_range=unit_range,
                ):
                    labels = batch.labels
                    if new is not None and labels is not None:
                        labels = torch.from_numpy(renumbered(labels.numpy(), new))
                    yield replace(batch, labels=labels, first_row=offset + batch.first_row)
            offset += count


def _common_names(parts: Sequence[Source]) -> Names | None:
    """All names of the parts.

    Raises:
        InvalidData: a part that has numbers alone beside parts that differ in their names.
    """
    named = [part.class_names for part in parts if part.class_names is not None]
    if not named:
        return None
    names = united(named)
    nameless = next((part for part in parts if part.class_names is None), None)
    if nameless is not None and any(one != names for one in named):
        raise InvalidData(
            f"{nameless.where} has class numbers without names beside files that name their classes differently "
            f"({listed(names)} in all); give names in all files, or in none."
        )
    return names
