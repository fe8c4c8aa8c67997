"""Contrastive losses with k negatives: in blocks of k + 1 items each is the anchor once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bounds.draws import permutation
from bounds.errors import InvalidOption, InvalidStatistics
from bounds.evidence.distributed import all_merge
from bounds.processes import ALONE, Processes
from bounds.representations.table import Representations
from bounds.summaries.totals import Totals

_ANCHORS = 512  # of a block whose similarities are held at once


@dataclass(frozen=True)
class Negatives:
    """Means over anchors of losses of the margins v_j = f(x)ᵀ(f(x⁺) − f(x_j⁻)), j = 1..k.

    Attributes:
        negatives: k.
        blocks: M = ⌊m/(k + 1)⌋ disjoint blocks: the means are U-statistics of order k + 1 (their
            incomplete form, over fixed partitions), so Hoeffding's inequality holds for M independent values.
        scales: The s, as f ↦ s·f turns v into s²v; InfoNCE at temperature t is the scale 1/√t.
        hinge: Mean of max(0, 1 + max_j(−s²v_j)), one per scale.
        infonce: Mean of ln(1 + Σ_j e^{−s²v_j}) in nats, one per scale.
    """

    negatives: int
    blocks: int
    scales: tuple[float, ...]
    hinge: tuple[float, ...]
    infonce: tuple[float, ...]

    @property
    def logistic(self) -> tuple[float, ...]:
        """Mean of log₂(1 + Σ_j e^{−s²v_j}), one per scale."""
        return tuple(value / math.log(2.0) for value in self.infonce)


def block_losses(
    table: Representations,
    negatives: int,
    scales: Sequence[float] = (1.0,),
    *,
    partitions: int | None = None,
    rows: int = 8192,
    seed: int = 0,
    device: torch.device | str = "cpu",
    processes: Processes = ALONE,
) -> Negatives:
    """Losses with k negatives, averaged over all anchors of seeded partitions into blocks of k + 1 items.

    Items are put in random order, so that a table sorted by class is no different from a shuffled one. The
    same
    chunk is cut into blocks several times: each partition is fixed before the data, so the average of
    their means keeps the deviation inequality of one, with less variance. Float64 throughout.

    Args:
        table: Two views, (m, d).
        negatives: k ≥ 1, at most m − 1; the negatives are first views of other items.
        scales: Positive numbers s.
        partitions: How many; by default as many as cost about m·256·d operations.
        rows: Items read at a time, rounded to whole blocks.
        seed: Of the partitions.
        device: Where to compute.
        processes: Those that take the chunks in turn; each must call this with the whole table.

    Raises:
        InvalidOption: negatives or scales out of range.
        InvalidStatistics: fewer than k + 1 items, or one view only.
    """
    size = negatives + 1
    if negatives < 1 or not scales or not all(0 < s < math.inf for s in scales):
        raise InvalidOption(
            f"Needs at least one negative and positive scales, got {negatives} and {list(scales)}."
        )
    if len(table.views) != 2 or table.count < size:
        raise InvalidStatistics(
            f"{negatives} negatives need two views of at least {size} items, "
            f"got {len(table.views)} of {table.count}."
        )
    if partitions is None:
        partitions = max(1, min(8, 256 // size))
    blocks = table.count // size
    items = permutation(seed, table.count, stream=2)[: blocks * size]
    squares = torch.tensor([s * s for s in scales], dtype=torch.float64, device=device)
    hinge = torch.zeros(len(scales), dtype=torch.float64, device=device)
    infonce = torch.zeros_like(hinge)
    generator = torch.Generator().manual_seed(seed)
    length = max(1, rows // size) * size
    for start in range(0, len(items), length):
        chosen = np.sort(items[start : start + length])  # each chunk is read in the order of the table
        orders = [torch.randperm(len(chosen), generator=generator) for _ in range(partitions)]
        if start // length % processes.world != processes.rank:
            continue
        ((views, _),) = table.chunks(length, device, items=chosen)
        for order in orders:
            first, second = (view[order.to(device)] for view in views)
            for shift, margins in _negative_margins(first, second, size):
                for k, square in enumerate(squares):
                    scaled = square * margins
                    infonce[k] += torch.logsumexp(scaled, dim=2).sum()
                    scaled.diagonal(shift, 1, 2).fill_(-math.inf)
                    hinge[k] += (1 + scaled.amax(2)).clamp_min(0).sum()
    hinge, infonce = all_merge(processes, Totals(torch.stack([hinge, infonce]))).values
    anchors = partitions * blocks * size
    return Negatives(
        negatives,
        blocks,
        tuple(scales),
        tuple((hinge / anchors).tolist()),
        tuple((infonce / anchors).tolist()),
    )


def _negative_margins(first: Tensor, second: Tensor, size: int) -> Iterator[tuple[int, Tensor]]:
    """Some anchors at a time: (i, −v of the anchors i, i + 1, ... within blocks (blocks, anchors, size)).

    The positive's own zero stands where an anchor would meet itself.
    """
    items = first.reshape(-1, size, first.shape[1])
    positive = (first * second).sum(1).reshape(-1, size)
    for start in range(0, size, _ANCHORS):
        anchors = slice(start, start + _ANCHORS)
        similarity = items[:, anchors] @ items.mT
        similarity.diagonal(start, 1, 2).copy_(positive[:, anchors])
        yield start, similarity.sub_(positive[:, anchors, None])
