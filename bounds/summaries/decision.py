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
