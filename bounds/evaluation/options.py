"""The settings of single theorems in `options`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bounds.arguments import unknown
from bounds.theorems import THEOREMS, Theorem


def check_keys(options: Iterable[str], theorems: Sequence[Theorem]) -> None:
    """Refuse keys of `options` that no bound reads.

    Raises:
        InvalidOption: naming the nearest key there is.
    """
    known = sorted({key for theorem in (*THEOREMS.values(), *theorems) for key in theorem.options})
    for key in options:
        if key not in known:
            raise unknown("The key of `options`", key, known)
