"""Entropy of the embeddings during training with SimCLR, BYOL and VICReg.

Left: LogDet entropy of embeddings brought to norm sqrt(d), an upper bound on their entropy where they are spread
like a Gaussian. Right: pairwise entropy of unit embeddings. Both
in nats; only unit embeddings compare objectives, as a scale alone adds to an entropy. Lines are means over the
seeds, bands reach from the lowest seed to the highest.

    python paper_figs/entropy_training.py [--quick] --out figures

Drawn from the runs that train_cifar10.py saved, otherwise from short runs on scikit-learn's digits: the CSV says which.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import runs
import style

SHOWN = ("simclr", "byol", "vicreg")
PANELS = {
    "embedding_entropy_unit": "LogDet entropy (nats)",
    "embedding_entropy_pairwise": "pairwise entropy (nats)",
}


def table(quick: bool, seed: int) -> tuple[str, pd.DataFrame]:
    """What was trained, and a row per objective, seed and measured epoch."""
    label, records = runs.studies(quick, seed)[0]
    rows = [
        {
            "objective": one["objective"],
            "seed": one["seed"],
            "epoch": index + 1,
            "runs": label,
            **{key: row[key] for key in PANELS},
        }
        for one in records
        for index, row in enumerate(one["history"])
        if "embedding_entropy_unit" in row
    ]
    return label, pd.DataFrame(rows)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(style.PAGE, 2.3))
    panels = figure.subplots(1, 2)
    for axes, (column, label) in zip(panels, PANELS.items(), strict=True):
        ends = {}
        for color, name in zip(style.PALETTE, SHOWN, strict=False):
            part = rows[rows["objective"] == name].groupby("epoch")[column].agg(["mean", "min", "max"])
            if len(part):
                axes.plot(part.index, part["mean"], "o-", ms=2.5, color=color)
                axes.fill_between(part.index, part["min"], part["max"], color=color, alpha=0.2, lw=0)
                ends[runs.TITLES[name]] = (part.index[-1], part["mean"].iloc[-1], color)
        axes.set(xlabel="epoch", ylabel=label, xlim=(rows["epoch"].min(), rows["epoch"].max() * 1.18))
        ticks = MaxNLocator(6, integer=True).tick_values(rows["epoch"].min(), rows["epoch"].max())
        axes.set_xticks([tick for tick in ticks if rows["epoch"].min() <= tick <= rows["epoch"].max()])
        style.end_labels(axes, ends)
    panels[0].set_title(rows["runs"].iloc[0], loc="left")
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    label, rows = table(options.quick, options.seed)
    style.publish(draw, rows, "entropy_training", options, runs=label)


if __name__ == "__main__":
    main()
