"""The option `class_prior`."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.data.masks import refuse_masked
from bounds.errors import InvalidOption
from bounds.summaries.weights import sums_to_one


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
                f"`class_prior` must be None, 'balanced' or an array of K numbers, got {shown(prior)}."
            )
        return torch.full((num_classes,), 1.0 / num_classes, dtype=torch.float64)
    refuse_masked(prior, "`class_prior`")
    given = torch.as_tensor(prior)
    p = given.double()
    if p.shape != (num_classes,) or not sums_to_one(given):
        raise InvalidOption(
            f"`class_prior` must hold {num_classes} non-negative numbers that sum to 1 within the rounding of "
            f"{str(given.dtype).removeprefix('torch.')}, got shape {tuple(p.shape)} and sum {float(p.sum()):.12g}."
        )
    return p / p.sum()
