"""The class that scores name: one rule for ties, in every head and classifier."""

from __future__ import annotations

import torch
from torch import Tensor

UNDECIDED = -1
_ROUNDING = 2.0**-40  # of the largest score in size: what sums in another order differ by


def decide(scores: Tensor) -> Tensor:
    """Arg max of each row (N, K) -> (N,); UNDECIDED, always an error, where the largest score is tied or NaN is among them.

    Equality up to rounding is a tie: a collapsed representation is never called correct by the order of its classes, nor
    by the order in which a product was summed.
    """
    best = scores.argmax(1, keepdim=True)
    alone = (scores >= _least(scores, scores.gather(1, best))).sum(1) == 1
    return torch.where(alone, best[:, 0], UNDECIDED)


def named(scores: Tensor, size: int) -> Tensor:
    """The `size` classes of largest score of each row (N, K) -> (N, size), the best first.

    UNDECIDED in place of a class whose score is tied with one that has no place left: a set of classes breaks ties no more
    than `decide` does.
    """
    largest = scores.sort(dim=1, descending=True, stable=True)
    places = [(scores >= _least(scores, own[:, None])).sum(1) <= size for own in largest.values[:, :size].T]
    return torch.where(torch.stack(places, dim=1), largest.indices[:, :size], UNDECIDED)


def rank(scores: Tensor, labels: Tensor) -> Tensor:
    """Number of other classes whose score is at least that of the item's own, (N, K) and (N,) -> (N,).

    0 exactly where `decide` names the label: a tie is counted against it, and so is NaN.
    """
    own = scores.gather(1, labels.long()[:, None])
    return (~(scores < _least(scores, own))).sum(1) - 1


def _least(scores: Tensor, own: Tensor) -> Tensor:
    """The least score that is tied with one's own, (N, 1)."""
    least, most = scores.aminmax(dim=1, keepdim=True)
    size = torch.maximum(most, -least)
    if size.isinf().any():
        size = scores.abs().masked_fill(scores.isinf(), 0.0).amax(1, keepdim=True)
    return own - _ROUNDING * size
