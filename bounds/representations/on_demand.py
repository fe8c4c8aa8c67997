"""Rows of a table by number: in memory where they fit, else read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.representations.table import Representations

HELD = 2**27  # numbers, 1 GiB, that are kept in memory


@dataclass(frozen=True)
class OnDemand:
    """First views of a table, (N, d), float64; `rows[index]` reads those of an index tensor or array (M,)."""

    table: Representations
    items: np.ndarray
    device: torch.device | str = "cpu"

    @property
    def shape(self) -> tuple[int, int]:
        """(N, d)."""
        return len(self.items), self.table.dim

    def __getitem__(self, index: Tensor | np.ndarray) -> Tensor:
        items = self.items[index.cpu().numpy() if isinstance(index, Tensor) else index]
        # Together, as scattered rows of a store open each of its files anew; a bad one is then named by its own number.
        near = replace(self.table, views=(self.table.views[0][items],), labels=None, fingerprints=None)
        try:
            return read(near, np.arange(len(items)), self.device)
        except InvalidData:
            return read(self.table, items, self.device)


def rows_of(
    table: Representations, device: torch.device | str, items: np.ndarray | None = None
) -> Tensor | OnDemand:
    """First views of chosen items, by default of all."""
    items = np.arange(table.count) if items is None else items
    return read(table, items, device) if len(items) * table.dim <= HELD else OnDemand(table, items, device)


def read(table: Representations, items: np.ndarray, device: torch.device | str) -> Tensor:
    """First views of these items, (N, d), float64."""
    rows, start = torch.empty(len(items), table.dim, dtype=torch.float64, device=device), 0
    for (z, *_), _ in table.chunks(device=device, items=items):
        rows[start : start + len(z)] = z
        start += len(z)
    return rows
