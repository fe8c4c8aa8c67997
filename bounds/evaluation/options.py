"""The options of `evaluate`, checked once, before anything is read."""

from __future__ import annotations

from typing import Any

from bounds.errors import InvalidOption
from bounds.heads import head_kind


def check_options(
    delta: float, pairs: str, head: Any, residual: str, constants: str, holdout: float | None, batch_size: int
) -> None:
    """Refuse what cannot be used.

    Raises:
        InvalidOption: one sentence on which option, and what it may be.
    """
    if not (isinstance(delta, int | float) and 0 < delta < 1):
        raise InvalidOption(f"`delta` must lie strictly between 0 and 1, got {delta!r}.")
    for option, value, choices in (
        ("pairs", pairs, ("augmentation", "class")),
        ("residual", residual, ("mean", "frobenius")),
        ("constants", constants, ("printed", "counted")),
    ):
        if value not in choices:
            raise InvalidOption(f"`{option}` must be one of {', '.join(map(repr, choices))}, got {value!r}.")
    head_kind(head)
    if holdout is not None and not 0 < holdout < 1:
        raise InvalidOption(f"`holdout` must lie strictly between 0 and 1, got {holdout!r}.")
    if not (isinstance(batch_size, int) and batch_size >= 1):
        raise InvalidOption(f"`batch_size` must be a positive whole number, got {batch_size!r}.")
