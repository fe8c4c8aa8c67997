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
from numpy.typing import NDArray

from bounds.duels.certification import expected_fixed_size
from bounds.duels.sequences import log_below_e_value
from bounds.duels.signs import Floats, fixed_size, log_sign_e_value

DELTA, POWER = 0.05, 0.8
SIGNS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
TARGETS, PARTS = (0.02, 0.05, 0.1, 0.2), (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_NOTHING, _STEPS = 1e-13, 2048  # probability of a count below which it is left out; steps planned at once
Wealth = Callable[[Floats, Floats], Floats]


def stops(rate: float, low: Wealth, high: Wealth, level: float) -> tuple[float, float]:
    """(mean labels until a wealth of counts (k, n − k) reaches 1/level, P(`high` is the first)); k counts events.

    `low` falls as k grows, `high` rises. Paths left out for their small probability count as stopped there: 1e-8 in all.
    """
    weights, least, mean, first, n = np.ones(1), 0, 0.0, 0.0, 0  # of k = least, least + 1, ...
    while True:
        sizes = np.arange(n + 1, n + 1 + _STEPS)
        bottoms = sizes - 1 - _largest_rest(low, sizes, level)
        tops = 1 + _largest_rest(lambda k, rest: high(rest, k), sizes, level)
        for n, bottom, top in zip(sizes.tolist(), bottoms.tolist(), tops.tolist(), strict=True):
            weights = np.append((1.0 - rate) * weights, 0.0) + np.append(0.0, rate * weights)
            k = np.arange(least, least + len(weights))
            first += float(weights[k >= top].sum())
            stays = (k > bottom) & (k < top) & (weights >= _NOTHING)
            mean += n * float(weights[~stays].sum())
            kept = np.flatnonzero(stays)
            if not len(kept):
                return mean, first
            least += int(kept[0])
            weights = np.where(stays, weights, 0.0)[kept[0] : kept[-1] + 1]


def _largest_rest(wealth: Wealth, n: NDArray[np.int64], level: float) -> NDArray[np.int64]:
    """For each n the largest number n − k of others whose wealth, which rises with it, is not enough; n if none is."""
    low, high = np.full(len(n), -1), n + 1  # not enough at low; enough at high, or there is no such number
    while (high - low > 1).any():
        middle = np.where(high - low > 1, (low + high) // 2, low)
        rest = np.maximum(middle, 0).astype(float)
        enough = (middle > low) & (wealth(n - rest, rest) >= np.log(1.0 / level))
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return low


def mean_signs(q: float, delta: float = DELTA) -> tuple[float, float]:
    """(mean number of disagreements with one right answer until a duel decides, P(it names the better one))."""
    return stops(q, lambda k, rest: log_sign_e_value(rest, k), log_sign_e_value, delta / 2)


def mean_labels(error: float, target: float, delta: float = DELTA) -> tuple[float, float]:
    """(mean number of labels until a target is certified or refuted, P(it is certified))."""
    mean, refuted = stops(
        error,
        lambda k, rest: log_below_e_value(k, rest, target),
        lambda k, rest: log_below_e_value(rest, k, 1.0 - target),
        delta,
    )
    return mean, 1.0 - refuted


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
