"""Pairs with independent classes out of a pool whose class counts are fixed (A6)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from bounds.draws import permutation, uniforms
from bounds.representations.table import Representations
from bounds.summaries.limits import binary_kl


@dataclass(frozen=True)
class Selection:
    """Chosen rows of an array that is sliceable by rows, read when asked for."""

    rows: Any
    items: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """As of an array (N, d)."""
        return len(self.items), int(self.rows.shape[1])

    def __getitem__(self, index: Any) -> Any:
        """A slice or an array of positions among the chosen rows."""
        return self.rows[self.items[index]]


def chosen_rows(table: Representations, items: np.ndarray) -> Representations:
    """The given rows of a table, without copying it."""
    return replace(
        table,
        views=tuple(Selection(view, items) for view in table.views),
        labels=None if table.labels is None else table.labels[items],
        fingerprints=None if table.fingerprints is None else table.fingerprints[items],
    )


def independent_items(labels: np.ndarray, prior: Tensor, *, failure: float, seed: int = 0) -> np.ndarray:
    """Rows of pairs whose classes are independent draws from p, out of a pool with fixed class counts (A6).

    The class sequence is drawn first and each class hands out its pairs in random order. That fails only if a
    class runs out: the length is the largest for which Σ_c exp(−N·kl((m_c + 1)/N‖p_c)) (Chernoff) stays below
    `failure`, a probability that the certificate adds to δ.

    Args:
        labels: Class of each pair, (m,).
        prior: p (K,), known.
        failure: Allowed probability that a class runs out, in (0, 1).
        seed: Of the draws.

    Returns:
        Row indices, int64; possibly empty.
    """
    counts = np.bincount(np.asarray(labels, dtype=np.int64), minlength=len(prior))
    low, high = 0, len(labels)
    while low < high:
        middle = (low + high + 1) // 2
        if _runs_out(middle, counts, prior) <= failure:
            low = middle
        else:
            high = middle - 1
    edges = np.cumsum(prior.numpy())[:-1]
    drawn = np.searchsorted(edges, uniforms(seed, np.arange(low), 3, 1)[:, 0], side="right")
    order = permutation(seed, len(labels), stream=4)
    wanted = np.bincount(drawn, minlength=len(prior))
    return np.concatenate(
        [order[labels[order] == y][:count] for y, count in enumerate(wanted)] or [order[:0]]
    )


def _runs_out(length: int, counts: np.ndarray, prior: Tensor) -> float:
    """Upper bound on the probability that `length` draws ask some class for more pairs than it has."""
    total = 0.0
    for count, p in zip(counts.tolist(), prior.tolist(), strict=True):
        share = (count + 1) / length
        if p > 0 and share <= 1:
            total += 1.0 if share <= p else math.exp(-length * binary_kl(share, p))
    return total
