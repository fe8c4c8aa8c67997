"""The options of `evaluate`, checked once, before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from bounds.errors import InvalidOption
from bounds.heads import head_kind
from bounds.theorems import THEOREMS, Theorem

# Which flags there are, and whether None, not knowing, is an answer.
_FLAGS = {
    "labeled_is_fresh": True,
    "unlabeled_is_fresh": True,
    "progress": True,
    "nonnegative": False,
    "simultaneous": False,
    "autocast": False,
    "distributed": False,
    "renumber": False,
}


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


def check_flags(given: Mapping[str, Any]) -> None:
    """Refuse anything but True and False, and None where that is an answer: any other word would count as yes.

    Raises:
        InvalidOption: naming the flag.
    """
    for name, unknown in _FLAGS.items():
        value = given[name]
        if not (isinstance(value, bool | np.bool_) or (unknown and value is None)):
            words = "True, False or None" if unknown else "True or False"
            raise InvalidOption(f"`{name}` must be {words}, got {value!r}.")


def check_keys(options: Mapping[str, Any], theorems: Sequence[Theorem]) -> None:
    """Refuse keys of `options` that no bound reads.

    Raises:
        InvalidOption: naming the nearest key there is.
    """
    known = sorted({key for theorem in (*THEOREMS.values(), *theorems) for key in theorem.options})
    for key in options:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            meant = f"did you mean `{near[0]}`? " if near else ""
            raise InvalidOption(f"`options` has no key {key!r}; {meant}Bounds read {', '.join(known)}.")
