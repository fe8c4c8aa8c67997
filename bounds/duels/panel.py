"""What several predictors say of the same items, and which of these items are copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bounds.arguments import shown
from bounds.data.class_names import Names
from bounds.errors import InvalidData

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
Classes = NDArray[np.signedinteger[Any]]  # the smallest type that holds them all
NO_ANSWER = -1  # of a predictor that cannot decide, which is always an error


@dataclass(frozen=True, eq=False)
class Panel:
    """Predicted classes of J predictors on N items; where all agree nothing more is kept.

    Attributes:
        names: Of the predictors.
        count: N.
        rows: (D,) ascending row numbers of the items on which somebody differs, or all rows for one predictor.
        predicted: (J, D) classes of these items, `NO_ANSWER` where a predictor has none.
        first: (N,) for each row the first row of equal input, or None where inputs are not known.
        leaked: (N,) rows whose input is one of the labeled rows that the predictors were made from, or None.
        class_names: Of the K classes, or None where they are not known.
    """

    names: tuple[str, ...]
    count: int
    rows: Rows
    predicted: Classes
    first: Rows | None = None
    leaked: Mask | None = None
    class_names: Names | None = None

    @classmethod
    def of(
        cls,
        columns: dict[str, Classes],
        *,
        first: Rows | None = None,
        leaked: Mask | None = None,
        class_names: Names | None = None,
    ) -> Panel:
        """From one column (N,) a predictor.

        Raises:
            InvalidData: columns of different lengths or without items, or classes beyond those named.
        """
        lengths = {name: len(one) for name, one in columns.items()}
        if len(set(lengths.values())) > 1 or 0 in lengths.values():
            raise InvalidData(
                f"All predictors must speak about the same items, at least one; got {lengths} items."
            )
        values = list(columns.values())
        for name, one in columns.items():
            if class_names is not None and one.max() >= len(class_names):
                raise InvalidData(
                    f"{shown(name)} predicts class {one.max()}, but there are {len(class_names)} classes."
                )
        differ = np.zeros(len(values[0]), dtype=bool)
        for other in values[1:]:
            differ |= values[0] != other
        rows = np.flatnonzero(differ) if len(values) > 1 else np.arange(len(values[0]))
        predicted = np.empty((len(values), len(rows)), np.result_type(*values))
        for to, one in zip(predicted, values, strict=True):
            to[:] = one[rows]
        return cls(tuple(columns), len(differ), rows, predicted, first, leaked, class_names)

    @property
    def repeated(self) -> int:
        """Rows beyond the first of equal input."""
        return 0 if self.first is None else int((self.first != np.arange(self.count)).sum())

    @property
    def copied(self) -> int:
        """Rows that copy a labeled row."""
        return 0 if self.leaked is None else int(self.leaked.sum())

    @property
    def sound(self) -> bool:
        """Whether all numbers are in range, as after reading a file."""
        most = 2**31 if self.class_names is None else len(self.class_names)
        rows, first = self.rows, np.zeros(1, np.int64) if self.first is None else self.first
        return bool(
            self.count >= 1
            and (np.diff(rows) > 0).all()
            and (not len(rows) or (rows[0] >= 0 and rows[-1] < self.count))
            and (not self.predicted.size or (self.predicted.min() >= -1 and self.predicted.max() < most))
            and (first.min() >= 0 and first.max() < self.count)
            and (self.first is None or (self.first[self.first] == self.first).all())
        )

    def representative(self, rows: Rows) -> Rows:
        """The row whose answer each of these rows has."""
        return rows if self.first is None else self.first[rows]

    def differing(self, rows: Rows) -> Mask:
        """Which of these rows are among `rows`."""
        table = np.zeros(self.count, dtype=bool)
        table[self.rows] = True
        found: Mask = table[rows]
        return found

    def place(self, rows: Rows) -> Rows:
        """Where rows stand among `rows`; they must be there."""
        return np.searchsorted(self.rows, rows)

    def class_of(self, name: str) -> int:
        """The number of a class by its name; −1 if there is none."""
        names: Sequence[str] = self.class_names or ()
        return names.index(name) if name in names else -1


def column(values: object, where: str) -> Classes:
    """Predicted classes (N,), in the smallest type that holds them.

    Raises:
        InvalidData: not a list of whole numbers from −1 (no answer) upwards.
    """
    try:
        found = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise InvalidData(f"{where} cannot be read as a column of classes ({error}).") from error
    if found.ndim != 1 or found.dtype.kind not in "iu" or not found.size:
        raise InvalidData(
            f"{where} must be class numbers (N,), whole numbers, at least one; got {shown(values)}."
        )
    low, high = int(found.min()), int(found.max())
    if low < NO_ANSWER or high >= 2**31:
        raise InvalidData(
            f"{where} holds the class {low if low < NO_ANSWER else high}; classes run from 0, -1 is none."
        )
    return found.astype(class_type(high))


def class_type(largest: int) -> type[np.signedinteger[Any]]:
    """The smallest integer type for classes up to this one, below 2³¹."""
    return np.int8 if largest < 2**7 else np.int16 if largest < 2**15 else np.int32
