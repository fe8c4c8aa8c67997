"""The distinct rows of a labeled sample, in an order that neither copies nor the order of the file decide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from bounds.evidence.thinning import chosen_rows
from bounds.representations.copies import Copies, Rows, fingerprints
from bounds.representations.table import Representations


@dataclass(frozen=True)
class Repeats:
    """Which rows of S repeat another one.

    Attributes:
        component: (n,) equal for copies.
        labels: (n,).
    """

    component: Rows
    labels: Rows

    @classmethod
    def of(cls, table: Representations, copies: Copies) -> Repeats:
        """Of the labeled table."""
        labels = np.zeros(table.count, np.int64) if table.labels is None else table.labels
        return cls(copies.components(copies.rows("labeled", np.arange(table.count))), labels)

    @property
    def repeated(self) -> int:
        """Rows beyond the first of equal input and label."""
        return len(self.labels) - len(np.unique(np.stack([self.component, self.labels]), axis=1).T)

    @property
    def relabeled(self) -> int:
        """Items that stand in S with different labels."""
        pairs = np.unique(np.stack([self.component, self.labels]), axis=1)
        return int((np.bincount(pairs[0]) > 1).sum())

    def distinct(self, table: Representations) -> Representations:
        """One row of each input and label, sorted by what is in it."""
        keys = row_keys(table)
        order = np.lexsort((keys, self.labels, self.component))
        both = np.stack([self.component, self.labels])[:, order]
        first = np.concatenate([[True], (both[:, 1:] != both[:, :-1]).any(axis=0)])
        items = order[first]
        return chosen_rows(table, items[np.argsort(keys[items], kind="stable")])


def row_keys(table: Representations) -> NDArray[np.uint64]:
    """64 bits that depend on the item alone: its fingerprint, else a mix of its representation, (N,)."""
    known = fingerprints(table)
    if known is not None:
        return known
    generator = torch.Generator().manual_seed(0)
    mix = torch.randint(-(2**62), 2**62, (table.dim,), generator=generator) | 1
    plain = replace(table, views=table.views[:1], labels=None, transform=None)
    keys, start = torch.empty(table.count, dtype=torch.int64), 0
    for (x,), _ in plain.chunks():
        keys[start : start + len(x)] = (x.contiguous().view(torch.int64) * mix).sum(1)
        start += len(x)
    return keys.numpy().view(np.uint64)
