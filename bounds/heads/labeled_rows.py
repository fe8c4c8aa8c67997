"""Labeled rows that a head is fitted on: a table or chosen rows of it, read as often as the fit needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from bounds.draws import permutation
from bounds.heads.least_squares import LeastSquares
from bounds.processes import ALONE, Processes
from bounds.representations.table import Representations
from bounds.summaries.totals import Totals

S = TypeVar("S")
_STREAM = 13  # of the random numbers that set rows aside


def _alone(summary: S) -> S:
    return summary


@dataclass(frozen=True, eq=False)
class LabeledRows:
    """Rows z with class indices y.

    Attributes:
        table: Labeled representations; the first view is read.
        num_classes: K, classes without a row included.
        items: Numbers of the rows, or None for all.
        seed: Of whatever is random in a fit.
        device: Where rows are read to.
        processes: Those that fit together; all hold the same table.
        merge: A summary of this process's share -> that of all processes.
        factor: Gives the triangular factor of these rows, where somebody has it already.
    """

    table: Representations
    num_classes: int
    items: np.ndarray | None = None
    seed: int = 0
    device: torch.device | str = "cpu"
    processes: Processes = ALONE
    merge: Callable[[Any], Any] = _alone
    factor: Callable[[], LeastSquares] | None = None

    @property
    def count(self) -> int:
        """Number of rows."""
        return self.table.count if self.items is None else len(self.items)

    @property
    def dim(self) -> int:
        """Dimension d."""
        return self.table.dim

    def chunks(self, own: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
        """(z (N, d) float64, labels (N,)) of all rows, or of this process's share."""
        start, stop = self.processes.share(self.count) if own else (0, self.count)
        table = replace(self.table, views=self.table.views[:1])
        for (z,), labels in table.chunks(device=self.device, start=start, stop=stop, items=self.items):
            if labels is not None:
                yield z, labels

    def merged(self, summary: S) -> S:
        """The summary of what all processes saw in their shares."""
        found: S = self.merge(summary)
        return found

    def total(self, values: Tensor) -> Tensor:
        """The sum over processes of what each found in its share."""
        found: Tensor = self.merged(Totals(values)).values
        return found

    def read(self) -> tuple[Tensor, Tensor]:
        """All rows (N, d) and labels (N,) in memory."""
        z, labels = zip(*self.chunks(), strict=True)
        return torch.cat(z), torch.cat(labels)

    def parted(self, share: float) -> tuple[LabeledRows, LabeledRows]:
        """A random `share` of the rows, by the seed alone, and the others."""
        items = np.arange(self.table.count) if self.items is None else self.items
        order = permutation(self.seed, self.count, _STREAM)
        cut = round(share * self.count)
        parts = (np.sort(items[order[:cut]]), np.sort(items[order[cut:]]))
        aside, rest = (replace(self, items=part, factor=None) for part in parts)
        return aside, rest

    @cached_property
    def least_squares(self) -> LeastSquares:
        """Triangular factor of the rows."""
        if self.factor is not None:
            return self.factor()
        squares = LeastSquares.empty(self.dim, self.num_classes, self.device)
        for z, labels in self.chunks(own=True):
            squares = squares.update(z, labels)
        return self.merged(squares.reduced()).reduced()
