"""Table of objectives: linear probe on test images, and the entropy of the embeddings it goes with.

The probe is a ridge classifier on frozen representations; bars are 95 % Clopper-Pearson intervals over the test
images, where their number is saved; they say nothing about other training seeds. Writes the table as CSV and
LaTeX (booktabs), and the figure.

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


def table(quick: bool, seed: int) -> tuple[str, pd.DataFrame]:
    """What was trained, and a row per objective, the best probe first."""
    label, records = runs.load(quick, seed)
    rows = []
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
                "probe": one["test_probe"],
                "probe_low": low,
                "probe_high": high,
                "entropy_logdet": last["embedding_entropy_unit"],
                "entropy_pairwise": last["embedding_entropy_pairwise"],
                "epochs": len(one["history"]),
                "runs": label,
            }
        )
    return label, pd.DataFrame(rows).sort_values("probe", ascending=False)


def latex(rows: pd.DataFrame) -> str:
    """The table for a paper."""
    head = r"objective & linear probe (\%) & LogDet entropy (nats) & pairwise entropy (nats) \\"
    body = [
        rf"{row.objective} & {100 * row.probe:.1f} & {row.entropy_logdet:.1f} & {row.entropy_pairwise:.2f} \\"
        for row in rows.itertuples()
    ]
    lines = [
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.PAGE, 0.9 + 0.2 * len(rows)))
    probe, entropy = figure.subplots(1, 2, sharey=True)
    y = range(len(rows))
    probe.plot(100 * rows["probe"], y, "o", ms=4, color=style.PALETTE[0])
    probe.hlines(y, 100 * rows["probe_low"], 100 * rows["probe_high"], color=style.PALETTE[0], lw=1)
    entropy.plot(rows["entropy_logdet"], y, "s", ms=4, color=style.PALETTE[3])
    probe.set_yticks(list(y), list(rows["objective"]))
    probe.set(xlabel="linear probe, test accuracy (%)", ylim=(len(rows) - 0.5, -0.5))
    probe.set_title(rows["runs"].iloc[0], loc="left")
    entropy.set(xlabel="LogDet entropy of unit embeddings (nats)")
    for axes in (probe, entropy):
        axes.grid(axis="y", color="0.9", lw=0.6)
        axes.tick_params(axis="y", length=0)
    return figure


def write(text: str, path: Path) -> None:
    """Whole or not at all."""
    partial = path.with_suffix(".part.tex")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    label, rows = table(options.quick, options.seed)
    style.publish(draw, rows, "objectives", options, runs=label)
    write(f"% {label}\n{latex(rows)}", options.out / "objectives.tex")


if __name__ == "__main__":
    main()
