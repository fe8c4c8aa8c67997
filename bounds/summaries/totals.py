"""Sums: the plainest summary."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Totals:
    """A tensor of sums over items, any shape; merging adds."""

    values: Tensor

    def merge(self, other: Totals) -> Totals:
        """Sums over both streams."""
        return Totals(self.values + other.values)
