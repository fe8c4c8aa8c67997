"""Selective prediction: the error of what is answered against the share that is answered, certified and measured.

Lines are `test_set_selective`'s limits, which hold together for all shares, so that any target may be read off after
looking; dots the shares of mistakes among the test items answered. The dashed line is the target of 5 %.

    python paper_figs/coverage_against_error.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import style
from inputs import examples

HEADS: dict[str, Any] = {
    "min-norm": "min_norm",
    "logistic, λ = 10⁻³": ("logistic", 1e-3),
    "nearest class mean": "nearest_mean",
    "20 nearest neighbours": ("knn", 20),
}
TARGET = 0.05


def table(quick: bool) -> pd.DataFrame:
    """A row per data set, head and share answered."""
    rows = []
    for example in (one for one in examples(quick) if one.method == "VICReg"):
        for head, option in HEADS.items():
            found = example.evaluate(head=option, bounds=["test_set_selective"], options={"target": TARGET})
            bound = found["test_set_selective"]
            for answered, limits in bound.table.items():
                rows.append(
                    {
                        "data": example.data,
                        "head": head,
                        "answered": float(answered.split("%")[0]) / 100,
                        "measured": limits["measured"],
                        "certified": limits["error"],
                        "delta": bound.delta,
                        "items": len(example.test[1]),
                    }
                )
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import PercentFormatter

    kinds = list(rows["data"].unique())
    figure = Figure(figsize=(style.PAGE, 2.7))
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    for axes, data in zip(panels, kinds, strict=True):
        part = rows[rows["data"] == data]
        for head, color in zip(HEADS, style.PALETTE, strict=False):
            one = part[part["head"] == head].sort_values("answered")
            axes.plot(one["answered"], one["certified"], color=color)
            axes.plot(one["answered"], one["measured"], ".", ms=3, color=color)
        axes.axhline(TARGET, color="0.3", ls="--", lw=0.8)
        axes.set(xlim=(0, 1.02), ylim=(0, None), xlabel="share of images answered")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_title(f"{data}, {part['items'].iloc[0]:,} test images", loc="left")
    panels[0].set_ylabel("error where answered")
    handles = {head: Line2D([], [], color=color) for head, color in zip(HEADS, style.PALETTE, strict=False)}
    confidence = 1 - rows["delta"].iloc[0]
    handles[f"certified for all shares at once ({confidence:.0%})"] = Line2D([], [], color="0.3")
    handles["measured"] = Line2D([], [], color="0.3", ls="", marker=".", ms=4)
    handles["target 5 %"] = Line2D([], [], color="0.3", ls="--", lw=0.8)
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    style.publish(draw, table(options.quick), "coverage_against_error", options)


if __name__ == "__main__":
    main()
