"""What it costs to stop when one likes: mean labels of duels and of certificates to a target, over the fixed size.

    python paper_figs/sequential_sizes.py [--out paper_figs/results]

δ = 0.05; the fixed size has power 0.8 at the same error probability for each direction. Means are exact, by the law of the
counts on the paths that have not stopped. Writes `sequential_sizes.csv`, a few minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style

from bounds.duels.certification import expected_fixed_size
from bounds.duels.sequences import log_below_e_value
from bounds.duels.signs import Floats, fixed_size, log_sign_e_value

DELTA, POWER = 0.05, 0.8
SIGNS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
TARGETS, PARTS = (0.02, 0.05, 0.1, 0.2), (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_NOTHING = 1e-13  # probability of a count beyond which it is left out
Wealth = Callable[[Floats, Floats], Floats]


def stops(rate: float, wealth: tuple[Wealth, Wealth], level: float) -> tuple[float, float]:
    """(mean labels until one of two wealths of counts (k, n − k) reaches 1/level, P(it is the first)); k counts events.

    Paths left out for their small probability count as stopped where they are left out: fewer than 1e-9 in all.
    """
    weights, least = np.ones(1), 0  # of k = least, least + 1, ...
    mean, first, n = 0.0, 0.0, 0
    while len(weights):
        n += 1
        weights = np.append((1.0 - rate) * weights, 0.0) + np.append(0.0, rate * weights)
        k = np.arange(least, least + len(weights), dtype=np.float64)
        here, there = (one(k, n - k) >= np.log(1.0 / level) for one in wealth)
        first += float(weights[here].sum())
        out = here | there | (weights < _NOTHING)
        mean += n * float(weights[out].sum())
        weights[out] = 0.0
        kept = np.flatnonzero(weights)
        least += int(kept[0]) if len(kept) else 0
        weights = weights[kept[0] : kept[-1] + 1] if len(kept) else weights[:0]
    return mean, first


def mean_signs(q: float, delta: float = DELTA) -> tuple[float, float]:
    """(mean number of disagreements with one right answer until a duel decides, P(it names the better one))."""
    return stops(q, (log_sign_e_value, lambda k, rest: log_sign_e_value(rest, k)), delta / 2)


def mean_labels(error: float, target: float, delta: float = DELTA) -> tuple[float, float]:
    """(mean number of labels until a target is certified or refuted, P(it is certified))."""
    wealth = (
        lambda k, rest: log_below_e_value(k, rest, target),
        lambda k, rest: log_below_e_value(rest, k, 1.0 - target),
    )
    return stops(error, wealth, delta)


def table() -> Iterator[dict[str, Any]]:
    """A row per true rate."""
    for q in SIGNS:
        yield _row("duel", "q", q, fixed_size(q, DELTA / 2, POWER), *mean_signs(q))
    for target in TARGETS:
        for part in PARTS:
            size = expected_fixed_size(part * target, target, DELTA, POWER)
            yield _row(
                f"certify, target {target:g}",
                "error by target",
                part,
                size,
                *mean_labels(part * target, target),
            )


def _row(what: str, of: str, value: float, size: int, mean: float, right: float) -> dict[str, Any]:
    found = {
        "what": what,
        "of": of,
        "value": value,
        "fixed": size,
        "mean": mean,
        "ratio": mean / size,
        "right": right,
    }
    print(found, flush=True)
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    options = parser.parse_args(argv)
    notes = style.provenance(delta=DELTA, power=POWER)
    style.write_csv(pd.DataFrame(list(table())), "sequential_sizes", options.out, notes)


if __name__ == "__main__":
    main()
