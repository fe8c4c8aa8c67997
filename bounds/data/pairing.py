"""Class pairs from a finite labeled pool: disjoint, and open about what was conditioned on (A6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bounds.draws import permutation
from bounds.errors import InvalidData

_SHARE = 0.45  # of the pool that becomes x⁺; the rest supplies x⁺⁺ with room for unequal class counts


@dataclass(frozen=True)
class ClassPairs:
    """Rows of x⁺ and x⁺⁺ in the pool; no row occurs twice.

    Attributes:
        first: Rows of x⁺, int64 (m,).
        second: Rows of x⁺⁺, int64 (m,), of the same classes.
        labels: The class of each pair, int64 (m,).
        sequential: Whether the class sequence was drawn first, so that pair classes are drawn from the prior.
        shortfall: Class -> pairs dropped because the class had no second item left.
    """

    first: np.ndarray
    second: np.ndarray
    labels: np.ndarray
    sequential: bool
    shortfall: dict[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of pairs m."""
        return len(self.first)

    @property
    def conditioned(self) -> bool:
        """Whether the class counts were fixed rather than drawn: a certificate then adds τ·TV to Î."""
        return not self.sequential or bool(self.shortfall)


def class_pairs(labels: np.ndarray, *, seed: int, class_prior_known: bool, name: str) -> ClassPairs:
    """Pair the items of a labeled pool within their classes, each item used at most once.

    With a known prior, every class y gives ⌊N_y/2⌋ pairs and the class counts are fixed. With an unknown
    prior the class sequence is drawn first: the first ⌊0.45 N⌋ items in random order are the x⁺ and give the
    classes, and each x⁺⁺ is the next unused item of its class among the rest.

    Args:
        labels: Class indices (N,), non-negative integers.
        seed: Of the random order; the result depends on (labels, seed) alone.
        class_prior_known: Whether the class prior p is known.
        name: The pool, for error messages.

    Raises:
        InvalidData: a class that occurs has fewer than two items.

    Source: Arora et al. 2019 (arXiv:1902.09229), section 2, with a finite pool in place of each D_y.
    """
    labels = np.asarray(labels, dtype=np.int64)
    classes, counts = np.unique(labels, return_counts=True)
    if (counts < 2).any():
        short = classes[counts < 2]
        raise InvalidData(
            f"`{name}` has one item only in class {', '.join(map(str, short[:8]))}"
            f"{' and others' if len(short) > 8 else ''}; class pairs need two: add items or remove the class."
        )
    order = permutation(seed, len(labels))
    paired = _within_classes(labels, order) if class_prior_known else _classes_first(labels, order)
    first, second = (part[permutation(seed, len(part), stream=1)] for part in paired[:2])
    return ClassPairs(first, second, labels[first], not class_prior_known, paired[2])


_Paired = tuple[np.ndarray, np.ndarray, dict[int, int]]


def _within_classes(labels: np.ndarray, order: np.ndarray) -> _Paired:
    grouped, rank, counts = _rank_in_class(labels, order)
    used = rank < (counts // 2 * 2)[labels[grouped]]
    first, second = used & (rank % 2 == 0), used & (rank % 2 == 1)
    return grouped[first], grouped[second], {}


def _classes_first(labels: np.ndarray, order: np.ndarray) -> _Paired:
    cut = max(1, int(_SHARE * len(order)))
    heads, head_rank, wanted = _rank_in_class(labels, order[:cut])
    tails, tail_rank, left = _rank_in_class(labels, order[cut:])
    size = max(len(wanted), len(left))
    wanted, left = (np.pad(counts, (0, size - len(counts))) for counts in (wanted, left))
    pairs = np.minimum(wanted, left)
    first, second = heads[head_rank < pairs[labels[heads]]], tails[tail_rank < pairs[labels[tails]]]
    return first, second, {int(y): int(wanted[y] - left[y]) for y in np.flatnonzero(wanted > left)}


def _rank_in_class(labels: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`order` grouped by class (stably), each row's position within its class, and the class counts."""
    grouped = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels[order])
    starts = np.cumsum(counts) - counts
    return grouped, np.arange(len(grouped)) - starts[labels[grouped]], counts


class Rows:
    """Chosen rows of an array, in a chosen order, read as they are sliced."""

    def __init__(self, array: Any, index: np.ndarray) -> None:
        self._array, self._index = array, index
        self.shape, self.dtype = (len(index), *array.shape[1:]), array.dtype

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, rows: slice) -> Any:
        return self._array[self._index[rows]]
