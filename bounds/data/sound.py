"""A source without the items that cannot be decoded, by the caller's wish and with their share on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from bounds.data.base import Batch, Source
from bounds.data.decode import Form
from bounds.data.preprocessing import Geometry
from bounds.errors import BrokenItem, InvalidData

_LOOK = Form(Geometry(8), 3)  # as small as it gets: only whether it decodes
_BATCH = 64
_NAMED = 3


class Sound(Source):
    """All rows of a source but the broken ones, which one pass over it finds when it is opened."""

    def __init__(self, inner: Source) -> None:
        if inner.count is None:
            raise InvalidData(
                f'{inner.where} has no known length; `broken="skip"` needs files or a data set.'
            )
        self.where, self.kind, self.views, self.has_labels = (
            inner.where,
            inner.kind,
            inner.views,
            inner.has_labels,
        )
        self.num_classes, self.class_names, self.found = inner.num_classes, inner.class_names, inner.found
        self._inner = inner
        said = self._find(inner.count)
        self._kept = np.setdiff1d(np.arange(inner.count), np.array(sorted(said), dtype=np.int64))
        self.count = len(self._kept)
        self._broken = sorted(said)
        self.notes = inner.notes
        if not self.count:
            raise InvalidData(f"{self.where} has no item that can be decoded: {next(iter(said.values()))}")
        if said:
            names = "; ".join(said[row].rstrip(".") for row in self._broken[:_NAMED])
            more = f"; and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
            self.notes += (
                f"{self.where}: {len(said)} of {inner.count} items ({len(said) / inner.count:.2g} of all) cannot be "
                f"decoded and were left out, so that nothing here speaks about such items: {names}{more}",
            )

    def _find(self, count: int) -> dict[int, str]:
        """What is wrong with each row that cannot be decoded: batches that raise are halved down to one row."""
        said: dict[int, str] = {}
        waiting = [(0, count)]
        while waiting:
            start, stop = waiting.pop()
            try:
                for batch in self._inner._batches(start, stop, _BATCH, _LOOK, False):
                    start = batch.first_row + batch.count
            except BrokenItem as err:
                last = min(start + _BATCH, stop)
                if last - start == 1:
                    said[start] = str(err)
                    middle = start + 1
                else:
                    middle = (start + last) // 2
                waiting += [(middle, stop)] if middle < stop else []
                waiting += [(start, middle)] if last - start > 1 else []
        return said

    @cached_property
    def channels(self) -> int | None:
        """As of the source; 3 where a broken item hides it."""
        try:
            return self._inner.channels
        except BrokenItem:
            return 3

    @property
    def fingerprinted(self) -> Any:
        """As of the source."""
        return self._inner.fingerprinted

    def fingerprint(self) -> dict[str, Any]:
        """That of the source, and which rows were left out."""
        return {**self._inner.fingerprint(), "left_out": self._broken}

    def _batches(
        self, start: int, stop: int | None, batch_size: int, form: Form, unit_range: bool
    ) -> Iterator[Batch]:
        rows = self._kept[start:stop]
        row = start
        ends = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(rows, ends):
            if len(run):
                for batch in self._inner._batches(
                    int(run[0]), int(run[-1]) + 1, batch_size, form, unit_range
                ):
                    yield replace(batch, first_row=row)
                    row += batch.count
