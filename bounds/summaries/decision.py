"""The class that scores name: one rule for ties, in every head and classifier."""

from __future__ import annotations

import torch
from torch import Tensor

UNDECIDED = -1


def decide(scores: Tensor) -> Tensor:
    """Arg max of each row (N, K) -> (N,); UNDECIDED, always an error, where the largest score is tied or NaN is among them.

    So a collapsed representation is never called correct by the order of its classes.
    """
    best = scores.argmax(1)
    alone = (scores == scores.gather(1, best[:, None])).sum(1) == 1
    return torch.where(alone, best, UNDECIDED)


def named(scores: Tensor, size: int) -> Tensor:
    """The `size` classes of largest score of each row (N, K) -> (N, size), the best first.

    UNDECIDED in place of a class whose score is tied with one that has no place left: a set of classes breaks ties no more
    than `decide` does.
    """
    largest = scores.sort(dim=1, descending=True, stable=True)
    places = [(scores >= own[:, None]).sum(1) <= size for own in largest.values[:, :size].T]
    return torch.where(torch.stack(places, dim=1), largest.indices[:, :size], UNDECIDED)
