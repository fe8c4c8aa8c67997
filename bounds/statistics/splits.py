"""Seeded random parts of the labeled sample: held-out rows, heads fitted on the others, streams of a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bounds.errors import NotApplicable
from bounds.representations.draws import permutation
from bounds.statistics.evidence import Evidence
from bounds.statistics.heads import Head
from bounds.statistics.least_squares import LeastSquares
from bounds.statistics.memo import memo

# Shares of S held out from the prior of the bounds that learn one: a grid fixed in advance and paid for in δ.
PRIOR_SHARES = (0.1, 0.2, 0.5)
_STREAM = 7  # of the random numbers that order the rows


def held_out_count(evidence: Evidence, share: float | None = None) -> int:
    """Number of rows of S in the held-out part: `share` of them, the option `holdout` by default.

    Raises:
        NotApplicable: if that leaves no row on one side.
    """
    share = evidence.setting.holdout if share is None else share
    count = round(share * evidence.n)
    if not 0 < count < evidence.n:
        raise NotApplicable(
            f"needs labels on both sides of a split of S, but {share:g} of {evidence.n} is {count}."
        )
    return count


def part_chunks(evidence: Evidence, low: int, high: int) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """(views, labels) of the rows of S whose random rank lies in [low, high); rank < count is the held-out part."""
    ranks = _ranks(evidence)
    start = 0
    for views, labels in evidence.labeled.chunks(device=evidence.device):
        inside = torch.from_numpy(_inside(ranks[start : start + len(views[0])], low, high)).to(
            views[0].device
        )
        start += len(views[0])
        if labels is not None and bool(inside.any()):
            yield tuple(view[inside] for view in views), labels[inside]


def held_out_chunks(evidence: Evidence, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(z, labels) of the held-out rows."""
    for views, labels in part_chunks(evidence, 0, count):
        yield views[0], labels


def fitting_chunks(evidence: Evidence, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(z, labels) of the rows of S that are not held out."""
    for views, labels in part_chunks(evidence, count, evidence.n):
        yield views[0], labels


def fitting_squares(evidence: Evidence, count: int) -> LeastSquares:
    """Triangular factor of the rows of S that are not held out."""

    def make() -> LeastSquares:
        blocks = memo(evidence, "split blocks", lambda: _blocks(evidence))
        kept = [block for low, block in blocks.items() if low >= count]
        merged = kept[0]
        for block in kept[1:]:
            merged = merged.merge(block)
        return merged.reduced()

    return memo(evidence, ("fitting squares", count), make)


def fitting_head(evidence: Evidence, count: int) -> Head:
    """The head asked for by the option `head`, fitted on the rows of S that are not held out."""

    def make() -> Head:
        head = evidence.fit(fitting_squares(evidence, count))
        return replace(head, name=f"{head.name} on S without {count} held-out items")

    return memo(evidence, ("fitting head", count), make)


def _ranks(evidence: Evidence) -> np.ndarray:
    """Rank of each row in a random order that depends on the seed alone."""

    def make() -> np.ndarray:
        order = permutation(evidence.setting.seed, evidence.n, _STREAM)
        ranks = np.empty_like(order)
        ranks[order] = np.arange(evidence.n)
        return ranks

    return memo(evidence, "split ranks", make)


def _blocks(evidence: Evidence) -> dict[int, LeastSquares]:
    """One triangular factor between any two neighbouring cuts, in one pass: heads on any part are merges."""
    shares = (*PRIOR_SHARES, evidence.setting.holdout)
    cuts = sorted({0, evidence.n, *(round(share * evidence.n) for share in shares)})
    empty = LeastSquares.empty(evidence.labeled.dim, evidence.setting.num_classes, evidence.device)
    blocks = dict.fromkeys(cuts[:-1], empty)
    ranks = _ranks(evidence)
    start = 0
    for z, labels in evidence.labeled_chunks():
        rows = ranks[start : start + len(z)]
        start += len(z)
        for low, high in pairwise(cuts):
            inside = torch.from_numpy(_inside(rows, low, high)).to(z.device)
            if bool(inside.any()):
                blocks[low] = blocks[low].update(z[inside], labels[inside])
    return {low: block.reduced() for low, block in blocks.items()}


def _inside(ranks: np.ndarray, low: int, high: int) -> np.ndarray:
    inside: np.ndarray = (ranks >= low) & (ranks < high)
    return inside
