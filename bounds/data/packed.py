"""Many short texts in one buffer: names of files and items, of which every process of a run has all."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import overload


class Packed(Sequence[str]):
    """Texts kept end to end, 8 bytes beyond their own each; objects of `pathlib` take 300 and more."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._bytes, self._ends = bytearray(), array("Q")
        self.extend(texts)

    def extend(self, texts: Iterable[str]) -> None:
        """Add texts, also names of files that are no Unicode."""
        for text in texts:
            self._bytes += text.encode("utf-8", "surrogatepass")
            self._ends.append(len(self._bytes))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        at = range(len(self))[row]
        start = self._ends[at - 1] if at else 0
        return self._bytes[start : self._ends[at]].decode("utf-8", "surrogatepass")
