"""Numbers that are meant to be a distribution, checked to the rounding of their own type."""

from __future__ import annotations

import torch
from torch import Tensor


def sums_to_one(weights: Tensor) -> bool:
    """Whether they are finite, non-negative, and sum to one as far as their type allows."""
    eps = torch.finfo(weights.dtype).eps if weights.is_floating_point() else 0.0
    tolerance = max(1e-9, 8 * eps)
    return bool((weights >= 0).all()) and abs(float(weights.double().sum()) - 1) <= tolerance
