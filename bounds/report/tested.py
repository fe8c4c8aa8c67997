"""What a report keeps of its test items, so that reports on the same items can be compared pair by pair."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bounds.errors import InvalidInput

Classes = NDArray[np.int32]
_COLUMNS = ("labels", "predicted", "first")


@dataclass(frozen=True, eq=False)
class Tested:
    """Classes of the test items, given and predicted by the head of the report.

    Attributes:
        items: SHA-256 of the items and their labels, in order: equal for reports on the same test items.
        labels: (N,) true classes; −1 where the item is a copy of what the head was made from, which tells nothing.
        predicted: (N,) classes, −1 where the head has none.
        first: (N,) for each row the first row of equal input.
        repeats: What was declared about them.
    """

    items: str
    labels: Classes
    predicted: Classes
    first: Classes
    repeats: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data: columns as base64 of compressed little-endian int32."""
        columns = {name: _packed(getattr(self, name)) for name in _COLUMNS}
        return {"items": self.items, "count": len(self.labels), "repeats": self.repeats, **columns}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Tested:
        """The inverse of `to_dict`.

        Raises:
            InvalidInput: damaged columns.
        """
        try:
            labels, predicted, first = (_unpacked(plain[name], int(plain["count"])) for name in _COLUMNS)
            repeats = plain["repeats"]
            return cls(
                str(plain["items"]), labels, predicted, first, None if repeats is None else str(repeats)
            )
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise InvalidInput(f"The test items of the report are damaged ({error}).") from error


def _packed(column: Classes) -> str:
    return base64.b64encode(zlib.compress(column.astype("<i4").tobytes())).decode("ascii")


def _unpacked(text: str, count: int) -> Classes:
    raw = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), 4 * count + 1)
    if len(raw) != 4 * count:
        raise ValueError(f"{len(raw)} bytes for {count} items")
    return np.frombuffer(raw, "<i4").astype(np.int32)
