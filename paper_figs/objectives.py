"""Table of objectives: linear probe on test images, and the entropy of the embeddings it goes with.

The probe is a ridge classifier on frozen representations. Every point is a run from its own seed; bars are 95 %
Clopper-Pearson intervals over the test images, where their number is saved, and say nothing about other seeds. Writes the
table as CSV and LaTeX (booktabs; means over the seeds), and the figure.

    python paper_figs/objectives.py [--quick] --out figures

Drawn from the runs that train_cifar10.py saved, otherwise from short runs on scikit-learn's digits: the CSV says which.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import runs
import style

from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper

MEASURED = ["probe", "entropy_logdet", "entropy_pairwise"]


def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per run; runs of one kind together, and in them the objective with the best mean probe first."""
    rows = []
    for label, records in runs.studies(quick, seed):
        for one in records:
            last = [row for row in one["history"] if "embedding_entropy_unit" in row][-1]
            low = high = np.nan
            if count := one.get("test_images"):
                errors = count - round(one["test_probe"] * count)
                low = 1 - clopper_pearson_upper(errors, count, 0.025)
                high = 1 - clopper_pearson_lower(errors, count, 0.025)
            rows.append(
                {
                    "objective": runs.TITLES[one["objective"]],
                    "seed": one["seed"],
                    "probe": one["test_probe"],
                    "probe_low": low,
                    "probe_high": high,
                    "entropy_logdet": last["embedding_entropy_unit"],
                    "entropy_pairwise": last["embedding_entropy_pairwise"],
                    "epochs": len(one["history"]),
                    "runs": label,
                }
            )
    found = pd.DataFrame(rows)
    place = {label: order for order, label in enumerate(dict.fromkeys(found["runs"]))}
    mean = found.groupby(["runs", "objective"])["probe"].transform("mean")
    keys = pd.DataFrame({"runs": found["runs"].map(place), "mean": -mean, "seed": found["seed"]})
    return found.loc[keys.sort_values(["runs", "mean", "seed"]).index].reset_index(drop=True)


def latex(rows: pd.DataFrame) -> str:
    """The table for a paper."""
    lines = [
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r"objective & linear probe (\%) & LogDet entropy (nats) & pairwise entropy (nats) \\",
    ]
    for label, part in rows.groupby("runs", sort=False):
        seeds = part["seed"].nunique()
        lines += [r"\midrule", rf"\multicolumn{{4}}{{l}}{{{label}{f', {seeds} seeds' * (seeds > 1)}}} \\"]
        for name, mean in part.groupby("objective", sort=False)[MEASURED].mean().iterrows():
            probe, logdet, pairwise = mean
            lines.append(rf"{name} & {100 * probe:.1f} & {logdet:.1f} & {pairwise:.2f} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    studies = list(rows.groupby("runs", sort=False))
    heights = [part["objective"].nunique() for _, part in studies]
    figure = Figure(figsize=(style.PAGE, 0.75 * len(studies) + 0.2 * sum(heights)))
    grid = figure.subplots(
        len(studies), 2, sharey="row", squeeze=False, gridspec_kw={"height_ratios": [h + 2 for h in heights]}
    )
    for (probe, entropy), (label, part) in zip(grid, studies, strict=True):
        names = list(dict.fromkeys(part["objective"]))
        of_name = (
            part.groupby("objective")["seed"].rank()
            - (part.groupby("objective")["seed"].transform("size") + 1) / 2
        )
        y = part["objective"].map(names.index) + 0.2 * of_name
        probe.plot(100 * part["probe"], y, "o", ms=3, color=style.PALETTE[0])
        probe.hlines(y, 100 * part["probe_low"], 100 * part["probe_high"], color=style.PALETTE[0], lw=1)
        entropy.plot(part["entropy_logdet"], y, "s", ms=3, color=style.PALETTE[3])
        probe.set_yticks(range(len(names)), names)
        probe.set(ylim=(len(names) - 0.5, -0.5))
        probe.set_title(label, loc="left")
        for axes in (probe, entropy):
            axes.grid(axis="y", color="0.9", lw=0.6)
            axes.tick_params(axis="y", length=0)
    grid[-1, 0].set_xlabel("linear probe, test accuracy (%)")
    grid[-1, 1].set_xlabel("LogDet entropy of unit embeddings (nats)")
    return figure


def write(text: str, path: Path) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".part.tex")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    rows = table(options.quick, options.seed)
    labels = list(dict.fromkeys(rows["runs"]))
    style.publish(draw, rows, "objectives", options, runs=labels)
    write(f"% {'; '.join(labels)}\n{latex(rows)}", options.out / "objectives.tex")


if __name__ == "__main__":
    main()
