"""A sign of life while bounds are evaluated: which one, which row of its pass, how long all may still take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

from bounds.representations.table import watched
from bounds.theorems import Theorem

_PATIENCE = 2  # seconds before the bar is shown
_EVERY = 0.5  # seconds between two rows that are shown
# Shares of the time at ImageNet's size, by tests/benchmarks_imagenet.py; `held_out` pays for the factorisation.
_SHARES = {"held_out": 20, "few_shot": 15, "pick_to_learn": 15, "rrm": 15, "luthra_2026_conditional": 8}
_SHARES |= {
    "centred_head": 5,
    "supervised": 4,
    "agreement": 4,
    "agreement_no_holdout": 4,
    "luthra_2025": 3,
    "pac_bayes": 3,
}
_OTHERS = 0.1


def followed(theorems: Sequence[Theorem], shown: bool) -> Iterator[Theorem]:
    """The theorems in order, with a bar on standard error that names each while it is evaluated, and the row it reads.

    The bar counts each by its usual share of the time. What theorems share (a factorisation, the scores of a head) is
    computed for the first that asks for it, so that the time that remains is a rough estimate.
    """
    from tqdm.auto import tqdm

    shares = [_SHARES.get(theorem.name, _OTHERS) for theorem in theorems]
    layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    begun = last = time.monotonic()
    with tqdm(total=sum(shares), desc="bounds", bar_format=layout, disable=not shown, delay=_PATIENCE) as bar:

        def at_row(row: int, rows: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - begun >= _PATIENCE and now - last >= _EVERY:
                last = now
                bar.set_postfix_str(f"{name}, row {row:,} of {rows:,}")

        with watched(at_row if shown else None):
            for theorem, share in zip(theorems, shares, strict=True):
                name = theorem.name
                bar.set_postfix_str(name, refresh=time.monotonic() - begun >= _PATIENCE)
                yield theorem
                bar.update(share)


def bar_wanted(progress: bool | None) -> bool:
    """The option as given; by default a bar is for terminals."""
    return sys.stderr.isatty() if progress is None else progress
