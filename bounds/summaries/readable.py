"""Rows that need not be in memory."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Readable(Protocol):
    """Rows (N, d), float64, that are read when their numbers (M,) are asked for."""

    @property
    def shape(self) -> tuple[int, int]:
        """(N, d)."""

    def __getitem__(self, index: Tensor) -> Tensor:
        """The rows of these numbers, (M, d)."""
