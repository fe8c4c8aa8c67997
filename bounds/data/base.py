"""What all data look like to the extraction: checked batches in order, from any row, with a fingerprint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bounds.data.checks import Kind, as_tensor, channels_first, check_labels, check_values, kind_of
from bounds.data.decode import unequal
from bounds.errors import InvalidData

Block = tuple[tuple[Any, ...], Any]  # raw views and raw labels (or None) of consecutive rows


@dataclass(frozen=True)
class Batch:
    """Consecutive items of a source.

    Attributes:
        views: One tensor, or two for pairs: images (n, C, H, W) in their own type, or vectors (n, d).
        labels: int64 (n,) or None.
        first_row: Row of the first item.
    """

    views: tuple[Tensor, ...]
    labels: Tensor | None
    first_row: int

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
        found: What there is in place of labels, for error messages.
    """

    where: str
    kind: Kind
    views: int
    has_labels: bool
    count: int | None
    num_classes: int | None
    found: str = ""

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the data: file names, or shapes and types, with the SHA-256 of the bytes."""

    def batches(
        self,
        batch_size: int = 256,
        *,
        start: int = 0,
        stop: int | None = None,
        size: int | None = None,
        unit_range: bool = True,
    ) -> Iterator[Batch]:
        """Checked batches of the rows start..stop, in order.

        Args:
            batch_size: About how many items a batch holds; a file's end may cut one short.
            start: First row.
            stop: Row after the last; None reads to the end.
            size: Side in pixels to which images of unequal sizes are brought (shorter side, then the centre).
            unit_range: Whether float images must lie in [0, 1]; False leaves that to the encoder.

        Raises:
            InvalidData: NaN or infinity, pixels outside [0, 1], images of unequal sizes without `size`, bad
                labels, unreadable images; naming the row (of its file, where there are several).
        """
        before: torch.Size | None = None
        for batch in self._batches(start, stop, batch_size, size, unit_range):
            shape = batch.views[0].shape[1:] if self.kind == "vectors" else batch.views[0].shape[2:]
            before = before or shape
            if shape != before and (size is None or self.kind == "vectors"):
                raise unequal(self.where, before, shape, batch.first_row)
            yield batch

    @abstractmethod
    def _batches(
        self, start: int, stop: int | None, batch_size: int, size: int | None, unit_range: bool
    ) -> Iterator[Batch]:
        """Batches that are checked one by one, but not yet against each other."""


class BlockSource(Source):
    """A source whose subclass delivers raw blocks of rows, which are checked here."""

    @abstractmethod
    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        """Raw rows start..stop in order, in blocks of about `batch_size`."""

    def _batches(
        self, start: int, stop: int | None, batch_size: int, size: int | None, unit_range: bool
    ) -> Iterator[Batch]:
        row = start
        for raw, raw_labels in self._blocks(start, stop, batch_size, size):
            views = tuple(self._checked(view, row, unit_range) for view in raw)
            if len({view.shape for view in views}) > 1:
                shapes = " and ".join(str(tuple(view.shape)) for view in views)
                raise InvalidData(
                    f"{self.where} has two views of shapes {shapes} at row {row}; give them one shape."
                )
            labels = None
            if self.has_labels:
                checked = check_labels(raw_labels, len(views[0]), self.num_classes, self.where, row)
                labels = torch.from_numpy(checked)
            yield Batch(views, labels, row)
            row += len(views[0])

    def _checked(self, raw: Any, row: int, unit_range: bool) -> Tensor:
        kind = kind_of(raw.shape, raw.dtype, self.where)
        if kind != self.kind:
            raise InvalidData(
                f"{self.where} has {self.kind}, but {kind} from row {row}; keep one kind of data."
            )
        x = as_tensor(raw)
        if kind == "images":
            x = channels_first(x)
        elif not x.is_floating_point():
            x = x.to(torch.float64)
        check_values(x, kind, self.where, row, unit_range)
        return x


class Chain(Source):
    """Several sources of known length and one kind, one after the other: a list of files or a glob."""

    def __init__(self, parts: list[Source], where: str) -> None:
        first = parts[0]
        for part in parts[1:]:
            for what in ("kind", "views", "has_labels"):
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

    def fingerprint(self) -> dict[str, Any]:
        """The fingerprints of the parts, in order."""
        return {"type": "files", "files": [part.fingerprint() for part in self.parts]}

    def _batches(
        self, start: int, stop: int | None, batch_size: int, size: int | None, unit_range: bool
    ) -> Iterator[Batch]:
        offset = 0
        for part, count in zip(self.parts, self._counts, strict=True):
            begin, end = max(start - offset, 0), count if stop is None else min(stop - offset, count)
            if begin < end:
                for batch in part.batches(
                    batch_size, start=begin, stop=end, size=size, unit_range=unit_range
                ):
                    yield replace(batch, first_row=offset + batch.first_row)
            offset += count
