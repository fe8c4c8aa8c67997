"""The minimum-norm least-squares head W_S = Y_SᵀZ_S†."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head


@dataclass(frozen=True)
class MinNorm:
    """`head="min_norm"`: least squares of one-hot labels, no intercept; of all minimisers the shortest."""

    refits: ClassVar[bool] = True

    def fit(self, rows: LabeledRows) -> Head:
        """From the triangular factor of the rows, read once."""
        return rows.least_squares.min_norm()
