"""Options of `evaluate` that become parts of the setting."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bounds.errors import InvalidOption
from bounds.statistics.setting import EncoderChoice


def encoder_choice(function_class: Any) -> EncoderChoice | None:
    """The option `function_class`: J, the J encoders themselves, or their complexity as `bounds.rademacher` gives it.

    Raises:
        InvalidOption: anything that does not say how many encoders the choice was among.
    """
    if function_class is None:
        return None
    found = getattr(function_class, "details", {}).get("members", function_class)
    members = len(found) if isinstance(found, list | tuple) else found
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise InvalidOption(
            "`function_class` must be the number of encoders chosen among, a list of them, or the complexity of a "
            f"FiniteClass; got {function_class!r}."
        )
    return EncoderChoice(members)


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
