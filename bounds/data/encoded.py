"""Items that are read one by one from where they lie: encoded images, decoded a batch at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.base import Block, BlockSource
from bounds.data.class_names import class_names
from bounds.data.decode import Form, coloured, decode, stack
from bounds.errors import InvalidData

Encoded = bytes | Path
_HEADERS = 256


class EncodedSource(BlockSource):
    """A known number of encoded images; a subclass says where they lie, and sets `where`, `count` and labels."""

    kind = "images"
    views = 1
    _labels: np.ndarray | None = None

    @abstractmethod
    def _read(self, start: int, stop: int) -> Sequence[tuple[Encoded, str]]:
        """Contents or paths of the rows start..stop, each with what to call it in messages."""

    @cached_property
    def channels(self) -> int:
        """3 if any image has colours, else 1."""
        for row in range(0, self._length, _HEADERS):
            if any(coloured(one, name) for one, name in self._read(row, min(row + _HEADERS, self._length))):
                return 3
        return 1

    @property
    def _length(self) -> int:
        return self.count or 0

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        end = self._length if stop is None else min(stop, self._length)
        for row in range(start, end, batch_size):
            last = min(row + batch_size, end)
            encoded, names = zip(*self._read(row, last), strict=True)
            made = stack(decode(encoded, names), form, self.where, row)
            labels = None if self._labels is None else self._labels[row:last]
            yield Block((made.values,), labels, made.fingerprints[:, None], made.turned)

    def _label_with(
        self, raw: Sequence[Any] | None, num_classes: int | None, names: Sequence[str] | None
    ) -> None:
        """Set labels, and the names of classes: those declared, or those of labels that are words."""
        self.has_labels, self.num_classes = raw is not None, num_classes
        if raw is None:
            return
        if names is None and any(isinstance(one, str) and not _whole(one) for one in raw):
            names = sorted({str(one) for one in raw})
            index = {name: i for i, name in enumerate(names)}
            raw = [index[str(one)] for one in raw]
        elif any(isinstance(one, str) for one in raw):
            raw = [int(one) for one in raw]
        if names:
            self.class_names = class_names(names, self.where)
            self.num_classes = min(num_classes or len(names), len(names))
        self._labels = np.array(list(raw), dtype=object if None in list(raw) else None)
        if len(self._labels) != self._length:
            raise InvalidData(f"{self.where} has {len(self._labels)} labels for {self._length} images.")


def _whole(text: str) -> bool:
    return text.strip().removeprefix("-").isdigit()
