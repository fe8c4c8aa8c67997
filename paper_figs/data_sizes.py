"""VICReg and SimCLR bounds against the number of labels n, of pairs m and of classes K, on real representations.

Each bound over the loss of the best constant predictor on its own axis: at one and above it is vacuous. Lines are
means over nested sub-samples, bands reach from the smallest to the largest. Sizes that do not vary are all that there
are; against K, all that the fewest classes leave. One row of panels per encoder.

    python paper_figs/data_sizes.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import style
from inputs import Example, examples

from bounds.sweeps import COMPARISON, sweep

AXES = {"n": "labels $n$", "m": "pairs $m$", "K": "classes $K$"}
TITLES = {
    "vicreg": "vicreg (as printed)",
    "vicreg_direct": "vicreg_direct",
    "vicreg_second_moment": "vicreg_second_moment",
    "simclr": "simclr",
}


def sizes(example: Example, quick: bool) -> dict[str, list[int]]:
    """Sizes to try, by powers of two down from all."""
    steps = 4 if quick else 7
    n, m = len(example.labeled[1]), len(example.pairs[2])
    classes = 1 + int(example.labeled[1].max())
    few = sorted({int(size) for size in np.geomspace(2, classes, 4 if quick else 6).round()})
    return {
        "n": [n // 2**k for k in range(steps) if n // 2**k >= 4 * classes][::-1],
        "m": [m // 2**k for k in range(steps) if m // 2**k >= 2 * classes][::-1],
        "K": few,
    }


def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per encoder, axis, size, repeat and bound."""
    parts = []
    for example in examples(quick):
        setting = example.setting()
        for axis, values in sizes(example, quick).items():
            chosen: dict[str, Any] = {axis: values}
            found = sweep(
                example.labeled,
                example.pairs,
                repeats=2 if quick else 5,
                setting=setting,
                seed=seed,
                bounds=COMPARISON,
                **chosen,
            )
            parts.append(found.assign(method=example.method, data=example.data, axis=axis))
    return pd.concat(parts, ignore_index=True)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    encoders = list(rows.groupby(["data", "method"], sort=False).groups)
    figure = Figure(figsize=(style.PAGE, 0.5 + 1.65 * len(encoders)))
    grid = figure.subplots(len(encoders), 3, sharey="row", sharex=False, squeeze=False)
    handles: dict[str, Any] = {}
    for (data, method), panels in zip(encoders, grid, strict=True):
        for axes, axis in zip(panels, AXES, strict=True):
            part = rows[(rows["data"] == data) & (rows["method"] == method) & (rows["axis"] == axis)]
            for (name, title), color, marker in zip(TITLES.items(), style.PALETTE, "os^D", strict=False):
                one = part[part["bound"] == name].dropna(subset=["ratio"]).groupby(axis)["ratio"]
                if not len(one):
                    continue
                (handles[title],) = axes.plot(one.mean().index, one.mean(), marker=marker, ms=3, color=color)
                axes.fill_between(one.mean().index, one.min(), one.max(), color=color, alpha=0.2, lw=0)
            handles["constant predictor: vacuous above"] = axes.axhline(1, color="0.3", ls="--", lw=0.8)
            axes.set(xscale="log", yscale="log", xlabel=AXES[axis])
            plain_ticks(axes, sorted(part[axis].unique()))
        panels[0].set_ylabel("bound / constant's loss")
        panels[0].set_title(f"{method} encoder, {data}", loc="left")
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=3)
    return figure


def plain_ticks(axes: Any, values: list[int]) -> None:
    """At most four of the sizes, written out."""
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

    shown = values[:: max(1, -(-len(values) // 4))]
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.set_xticklabels([f"{value:,}" for value in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    style.publish(draw, table(options.quick, options.seed), "data_sizes", options)


if __name__ == "__main__":
    main()
