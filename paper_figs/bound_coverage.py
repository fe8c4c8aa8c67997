"""Coverage of every bound in synthetic worlds whose true risks are known sums.

Left: share of trials in which the truth exceeded the bound, one marker per world, with the upper 95 % Clopper-Pearson
limit of the largest; delta is what a bound promises. Right: the (1 - delta)-quantile of truth / bound, above one where
violations are more frequent than delta: how much of its slack a bound has used up. Worlds in which an assumption of the
bound fails by construction are drawn hollow: there nothing is promised.

    python paper_figs/bound_coverage.py [--quick] --out figures

Drawn from results/coverage.csv where that is saved (the full study); a few trials in a few worlds with --quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import style

from bounds.worlds import WORLDS, coverage_table

SAVED = Path(__file__).parent / "results" / "coverage.csv"
QUICK_WORLDS = ("gaussian", "shared_items")
DELTA = 0.1


def table(quick: bool, seed: int, trials: int | None) -> tuple[str, pd.DataFrame]:
    """Where the numbers come from, and a row per world and bound."""
    if SAVED.exists() and not quick and trials is None:
        return SAVED.name, pd.read_csv(SAVED, comment="#")
    names = QUICK_WORLDS if quick else tuple(WORLDS)
    trials = trials or (5 if quick else 200)
    return f"{trials} trials in each of {len(names)} worlds", coverage_table(
        None, [WORLDS[name]() for name in names], DELTA, trials, seed
    )


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    rows = rows[(rows["trials"] > 0) & (rows["kind"] == "bound")]
    names = list(rows["bound"].unique())
    figure = Figure(figsize=(style.PAGE, 0.9 + 0.135 * len(names)))
    rate, ratio = figure.subplots(1, 2, sharey=True)
    place = {name: y for y, name in enumerate(names)}
    promised, other = style.PALETTE[0], style.PALETTE[3]
    for kept, color, face in ((True, promised, promised), (False, other, "none")):
        part = rows[rows["promised"].astype(bool) == kept]
        y = part["bound"].map(place) + (-0.12 if kept else 0.18)
        rate.scatter(part["rate"], y, s=9, ec=color, fc=face, lw=0.7, clip_on=False, zorder=3)
        seen = part[part["critical_ratio"] > 0]
        ratio.scatter(
            seen["critical_ratio"].clip(FLOOR, CAP), y[seen.index], s=9, ec=color, fc=face, lw=0.7, zorder=3
        )
        if kept and len(part):
            worst = part.loc[part.groupby("bound")["upper"].idxmax()]
            rate.hlines(worst["bound"].map(place) - 0.12, worst["rate"], worst["upper"], color=color, lw=0.7)
    delta = float(rows["delta"].iloc[0])
    rate.axvline(delta, color="0.3", ls="--", lw=0.8)
    rate.annotate(
        rf"$\delta$ = {delta:g}",
        (delta, 1),
        (2, 1),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=7,
    )
    ratio.axvline(1, color="0.3", ls="--", lw=0.8)
    ratio.axvspan(1, CAP * 1.2, color="black", alpha=0.05, lw=0, zorder=0)
    rate.set(xlabel="share of trials violated", ylim=(len(names) - 0.4, -0.6), xlim=(-0.02, 1.02))
    ratio.set(
        xscale="log",
        xlabel=rf"{1 - delta:.0%} quantile of truth / bound".replace("%", r" %"),
        xlim=(FLOOR / 1.5, CAP * 1.2),
    )
    decades = [10.0**power for power in range(-3, 2)]
    ratio.set_xticks(
        decades, ["≤ 10$^{-3}$", *(f"$10^{{{power}}}$" for power in range(-2, 1)), "≥ 10"], fontsize=6
    )
    rate.set_yticks(range(len(names)), names, fontsize=6)
    for axes in (rate, ratio):
        axes.grid(axis="y", color="0.92", lw=0.5)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], marker="o", ls="", ms=3, color=promised, label="all assumptions hold in the world"),
        Line2D(
            [], [], marker="o", ls="", ms=3, mfc="none", color=other, label="an assumption fails in the world"
        ),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


FLOOR, CAP = 1e-3, 10.0  # ratios beyond are drawn here


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument(
        "--trials", type=int, default=None, help="run so many instead of reading the saved study"
    )
    options = parser.parse_args(argv)
    source, rows = table(options.quick, options.seed, options.trials)
    style.publish(draw, rows, "bound_coverage", options, source=source)


if __name__ == "__main__":
    main()
