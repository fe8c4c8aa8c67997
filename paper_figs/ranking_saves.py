"""What ranking encoders by labels in one shared order saves against a test set for each of them.

CIFAR-10's 10,000 test images through the encoders of `labels_needed.py`. Shared: `bounds.rank` in 100 random orders, labels
read until one encoder is left, or until the order of all pairs is certified, or none is left to ask. Separate: each of J
encoders on its own n images, Clopper-Pearson limits at δ/J, by simulation from the measured errors; J·n labels where with
probability 0.8 the best one's upper limit is below all other lower limits, or all neighbours' limits lie apart. δ = 0.05.

    python paper_figs/ranking_saves.py [--cache FOLDER] --out paper_figs/results
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style
import torch
from labels_needed import DELTA, HERE, POWER, RUNS, Columns, cifar10, first
from scipy.stats import beta

import bounds

ORDERS = 100
GOALS = ("best", "order")


def shared(columns: Columns, truth: np.ndarray, goal: str, orders: int, seed: int) -> dict[str, float]:
    """Means over random orders."""
    rows = []
    for at in range(orders):
        one = bounds.rank(columns, goal=goal, delta=DELTA, seed=seed + at)
        asked = one.to_label
        one.add(asked, truth[asked])
        pairs = len(columns) * (len(columns) - 1) // 2
        ended = one.verdict != "undecided" if goal == "best" else len(one.order) == pairs
        rows.append((one.used, ended, len(one.best), len(one.order)))
    used, ended, left, certified = np.mean(rows, axis=0)
    return {"labels": used, "ended": ended, "left": left, "pairs": certified, "union": len(asked)}


def separate(errors: np.ndarray, goal: str, seed: int) -> int:
    """The smallest n of each test set at which the limits tell the best, or all, apart with the power."""
    errors = np.sort(errors)
    level = DELTA / (2 * len(errors))

    def power(n: int) -> float:
        wrong = np.random.default_rng(seed).binomial(n, errors, (RUNS, len(errors)))
        upper = np.where(wrong < n, beta.ppf(1 - level, wrong + 1, n - wrong), 1.0)
        lower = np.where(wrong > 0, beta.ppf(level, wrong, n - wrong + 1), 0.0)
        apart = upper[:, :1] < lower[:, 1:] if goal == "best" else upper[:, :-1] < lower[:, 1:]
        return float(apart.all(axis=1).mean())

    return first(power)


def table(columns: Columns, truth: np.ndarray, orders: int, seed: int) -> pd.DataFrame:
    """A row for each set of encoders and goal."""
    own = {name: one for name, one in columns.items() if name != "ImageNet"}
    rows: list[dict[str, Any]] = []
    for name, chosen in (("trained without labels", own), ("and ImageNet", columns)):
        errors = np.array([(one != truth).mean() for one in chosen.values()])
        for goal in GOALS:
            each = separate(errors, goal, seed)
            found = shared(chosen, truth, goal, orders, seed)
            rows.append(
                {
                    "encoders": name,
                    "count": len(chosen),
                    "goal": goal,
                    **found,
                    "each": each,
                    "separate": each * len(chosen),
                    "errors": " ".join(f"{one:.4f}" for one in np.sort(errors)),
                }
            )
            print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache" / "zoo", help="of the decoded images")
    parser.set_defaults(out=HERE / "results")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = table(*cifar10(options.data, options.cache), ORDERS, options.seed)
    notes = style.provenance(delta=DELTA, power=POWER, runs=RUNS, orders=ORDERS, seed=options.seed)
    style.write_csv(rows, "ranking_saves", options.out, notes)


if __name__ == "__main__":
    main()
