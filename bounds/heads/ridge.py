"""The ridge head: least squares of one-hot labels with a penalty, no intercept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bounds.errors import InvalidOption
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head


@dataclass(frozen=True)
class Ridge:
    """`head=("ridge", λ)`: the minimiser of (1/n)Σ‖Wz − y‖² + λ‖W‖_F².

    Raises:
        InvalidOption: unless λ is positive and finite.
    """

    penalty: float
    refits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.penalty < float("inf"):
            raise InvalidOption(
                f"`head` must be ('ridge', λ) with λ positive and finite, got λ = {self.penalty}."
            )

    def fit(self, rows: LabeledRows) -> Head:
        """From the triangular factor of the rows, read once."""
        return rows.least_squares.ridge(self.penalty)
