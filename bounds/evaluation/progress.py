"""A sign of life while bounds are evaluated: which one, how many are left, how long they may take."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from bounds.theorems import Theorem

_PATIENCE = 2  # seconds before the bar is shown


def followed(theorems: Sequence[Theorem], shown: bool) -> Iterator[Theorem]:
    """The theorems in order, with a bar on standard error that names each while it is evaluated.

    What theorems share (a factorisation, the scores of a head) is computed for the first that asks for it, so that the
    time that remains is an upper estimate at first.
    """
    from tqdm.auto import tqdm

    with tqdm(total=len(theorems), desc="bounds", unit=" bounds", disable=not shown, delay=_PATIENCE) as bar:
        for theorem in theorems:
            bar.set_postfix_str(theorem.name)
            yield theorem
            bar.update()


def bar_wanted(progress: bool | None) -> bool:
    """The option as given; by default a bar is for terminals."""
    return sys.stderr.isatty() if progress is None else progress
