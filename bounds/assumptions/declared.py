"""The option `class_prior`."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.errors import InvalidOption


def class_prior(prior: object, num_classes: int) -> Tensor | None:
    """The option `class_prior` as p (K,), or None.

    Raises:
        InvalidOption: unless it is None, "balanced", or K non-negative numbers that sum to one.
    """
    if prior is None:
        return None
    if isinstance(prior, str):
        if prior != "balanced":
            raise InvalidOption(
                f"`class_prior` must be None, 'balanced' or an array of K numbers, got {prior!r}."
            )
        return torch.full((num_classes,), 1.0 / num_classes, dtype=torch.float64)
    p = torch.as_tensor(prior, dtype=torch.float64)
    if p.shape != (num_classes,) or not bool((p >= 0).all()) or abs(float(p.sum()) - 1.0) > 1e-9:
        raise InvalidOption(
            f"`class_prior` must hold {num_classes} non-negative numbers that sum to 1, "
            f"got shape {tuple(p.shape)} and sum {float(p.sum()):.6g}."
        )
    return p / p.sum()
