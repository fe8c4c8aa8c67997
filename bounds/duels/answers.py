"""Items to label, in an order drawn before any label, and the answers to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bounds.arguments import shown
from bounds.draws import permutation
from bounds.duels.panel import Panel, Rows
from bounds.errors import InvalidData

MISSING, UNSURE = -2, -1
CANNOT_TELL = "cannot tell"
Repeats = Literal["keep", "drop"] | None
_STREAM = 25  # of the random numbers of the order


class Answers:
    """Answers to the items of a panel; an item stands for all rows of equal input.

    The order is a random permutation of all N rows by the seed alone, drawn before any label. What may be read off it:
    with `repeats="keep"` (the population itself repeats items) all rows in this order, an answer entering at each row;
    with "drop" (a population without repeats) the first row of each input; undeclared, where rows repeat, both, and what
    is to be said must hold in both readings.
    """

    def __init__(self, panel: Panel, repeats: Repeats, seed: int) -> None:
        self.panel, self.repeats, self.seed = panel, repeats, seed
        self.order: Rows = permutation(seed, panel.count, _STREAM)
        self.given: dict[int, int] = {}
        self._asked = np.zeros(panel.count, dtype=bool)
        rows = panel.rows if panel.leaked is None else panel.rows[~panel.leaked[panel.rows]]
        self._asked[panel.representative(rows)] = True

    @property
    def readings(self) -> list[Rows]:
        """Rows in the order in which they are to be read: one reading, or two that must both agree."""
        first = self.panel.first
        if first is None or not self.panel.repeated:
            return [self.order]
        distinct = self.order[first[self.order] == self.order]
        if self.repeats is None:
            return [self.order, distinct]
        return [self.order if self.repeats == "keep" else distinct]

    @property
    def asked(self) -> Rows:
        """Items to label, in order: rows, of equal inputs only the one that comes first."""
        return self.in_order(self._asked)

    @property
    def left(self) -> Rows:
        """Those without an answer."""
        rows = self.asked
        left: Rows = rows[self.labels(rows) == MISSING]
        return left

    def in_order(self, wanted: NDArray[np.bool_]) -> Rows:
        """Of the representatives that are wanted (N,), the rows to show, in order."""
        order = self.order
        if self.repeats == "drop" and self.panel.first is not None:
            order = order[self.panel.first[order] == order]
        rows = order[wanted[self.panel.representative(order)]]
        if self.panel.first is None:
            return rows
        keys, numbers = self.panel.representative(rows), np.arange(len(rows))
        place = np.empty(self.panel.count, dtype=np.int64)
        place[keys[::-1]] = numbers[::-1]  # of equal indices the last one stays
        found: Rows = rows[place[keys] == numbers]
        return found

    def labels(self, rows: Rows) -> Rows:
        """The answer to each of these rows: a class, `UNSURE` or `MISSING`."""
        table = np.full(self.panel.count, MISSING, dtype=np.int64)
        if self.given:
            table[list(self.given)] = list(self.given.values())
        found: Rows = table[self.panel.representative(rows)]
        return found

    def add(self, items: Iterable[Any], labels: Iterable[Any]) -> None:
        """Take answers; all or, where one of them cannot be taken, none.

        Args:
            items: Row numbers, of those asked.
            labels: Class numbers, class names, or `CANNOT_TELL` (also None).

        Raises:
            InvalidData: lists of different lengths, an item that was not asked for or stands there twice, a label that is no
                class, or an answer that contradicts an earlier one.
        """
        rows, classes = _listed(items, "items"), _listed(labels, "labels")
        if len(rows) != len(classes):
            raise InvalidData(f"`items` and `labels` must go together, got {len(rows)} and {len(classes)}.")
        new: dict[int, tuple[int, int]] = {}
        for item, label in zip(rows, classes, strict=True):
            row = _whole(item)
            if row is None or not 0 <= row < self.panel.count:
                raise InvalidData(
                    f"Item {shown(item)} is no row number from 0 to {self.panel.count - 1}; nothing was added."
                )
            key = int(self.panel.representative(np.array([row]))[0])
            if not self._asked[key]:
                copied = self.panel.leaked is not None and bool(self.panel.leaked[key])
                why = ": it is a copy of a labeled row" if copied else ""
                raise InvalidData(f"Item {row} was not asked for{why}; nothing was added.")
            if key in new:
                other = new[key][0]
                same = (
                    f"Item {row} stands" if other == row else f"Items {other} and {row} are copies and stand"
                )
                raise InvalidData(f"{same} twice among the answers; nothing was added.")
            answer = self._class(row, label)
            earlier = self.given.get(key, answer)
            if earlier != answer:
                raise InvalidData(
                    f"Item {row} was answered {self.said(earlier)} before and is answered {self.said(answer)} now; nothing "
                    "was added."
                )
            new[key] = (row, answer)
        self.given |= {key: answer for key, (_, answer) in new.items()}

    def said(self, answer: int) -> str:
        """An answer in words."""
        names = self.panel.class_names
        return CANNOT_TELL if answer == UNSURE else str(answer) if names is None else repr(names[answer])

    def _class(self, row: int, label: Any) -> int:
        if label is None or (isinstance(label, str) and label.strip().lower() == CANNOT_TELL):
            return UNSURE
        names = self.panel.class_names
        if isinstance(label, str) and self.panel.class_of(label) >= 0:
            return self.panel.class_of(label)
        found = _whole(label)
        most = 2**31 if names is None else len(names)
        if found is None or not 0 <= found < most:
            known = "a class number from 0" if names is None else f"one of the {most} classes"
            raise InvalidData(
                f"The label {shown(label)} of item {row} is not {known}, nor {CANNOT_TELL!r}; nothing was added."
            )
        return found

    def plain(self) -> Mapping[str, Any]:
        """Answers as plain data, by item."""
        return {str(key): answer for key, answer in sorted(self.given.items())}


def _listed(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InvalidData(f"`{name}` must be a list, got {shown(values)}.")
    try:
        return list(values)
    except Exception as error:
        raise InvalidData(f"`{name}` cannot be read as a list ({error}).") from error


def _whole(value: Any) -> int | None:
    """A whole number, also one written out; None for anything else."""
    if isinstance(value, str) and value.strip().isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    if isinstance(value, np.ndarray) or hasattr(value, "detach"):
        if getattr(value, "ndim", 1) != 0:
            return None
        value = value.item()
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        return None
    return int(value)
