"""Label efficiency: what more labels buy, and what more pairs buy.

Markers: certified error rates on nested sub-samples (mean over draws), the other size held at all that there is. Lines:
the same bounds projected beyond the data by `bounds.report.planning`, every measured mean held fixed - estimates, not
certificates, and of one split of the data. Dashed: the most frequent class, above which an error rate is vacuous.

    python paper_figs/label_efficiency.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import style
from data_sizes import sizes
from inputs import Example, examples

from bounds.errors import NotApplicable
from bounds.report.planning import plan
from bounds.sweeps import sweep

BOUNDS = (
    "vicreg_certified",
    "vicreg_direct",
    "vicreg_second_moment_ridge",
    "supervised",
    "held_out",
    "agreement",
)
LOWEST, BEYOND = 1e-3, 1000  # the axis goes no lower; projections to so many times the data
AXES = {"n": ("labels $n$", "labels"), "m": ("pairs $m$", "pairs")}


def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per encoder, axis, size and bound: measured on sub-samples, or projected."""
    chosen = [one for one in examples(quick) if one.data == examples(quick)[-1].data]
    parts = [part for example in chosen for part in _parts(example, quick, seed)]
    return pd.concat(parts, ignore_index=True)


def _parts(example: Example, quick: bool, seed: int) -> list[pd.DataFrame]:
    setting, tried = example.setting(), sizes(example, quick)
    report = example.evaluate(bounds=list(BOUNDS))
    parts = []
    for axis, (_, which) in AXES.items():
        chosen: dict[str, Any] = {axis: tried[axis]}
        found = sweep(
            example.labeled, example.pairs, repeats=2 if quick else 5, bounds=list(BOUNDS),
            setting=setting, seed=seed, **chosen,
        )  # fmt: skip
        found = found.dropna(subset=["error_rate"])
        parts.append(found.assign(size=found[axis], axis=axis, kind="measured"))
        for bound in report:
            try:
                curve = plan(bound, report.quantities["trivial_error"] / 2).curves.get(which, ())
            except NotApplicable:
                continue
            size, value = zip(*curve, strict=True) if curve else ((), ())
            projected = pd.DataFrame({"size": size, "error_rate": value})
            full = max(tried[axis])
            # In held-out labels or blocks where the bound uses only those: shown per item of the whole sample.
            own = {"n": plan(bound, 0.5).n, "m": plan(bound, 0.5).m}[axis] or full
            projected["size"] *= full / own
            projected = projected[projected["size"].between(full, BEYOND * full)]
            parts.append(projected.assign(bound=bound.name, axis=axis, kind="projected"))
    trivial = report.quantities["trivial_error"]
    return [part.assign(method=example.method, data=example.data, trivial=trivial) for part in parts]


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    methods = list(rows["method"].unique())
    figure = Figure(figsize=(style.PAGE, 0.7 + 1.75 * len(methods)))
    grid = figure.subplots(len(methods), 2, sharey=True, sharex="col", squeeze=False)
    handles: dict[str, Any] = {}
    for method, panels in zip(methods, grid, strict=True):
        for axes, (axis, (label, _)) in zip(panels, AXES.items(), strict=True):
            part = rows[(rows["method"] == method) & (rows["axis"] == axis)]
            for name, color in zip(BOUNDS, style.PALETTE, strict=False):
                one = part[part["bound"] == name]
                seen = one[one["kind"] == "measured"].groupby("size")["error_rate"].mean()
                if not len(seen):
                    continue
                (handles[name],) = axes.plot(seen.index, seen, "o-", ms=3, color=color)
                beyond = one[one["kind"] == "projected"]
                axes.plot(beyond["size"], beyond["error_rate"], ":", lw=1, color=color)
            trivial = float(rows["trivial"].max())
            handles["most frequent class: vacuous above"] = axes.axhline(
                trivial, color="0.3", ls="--", lw=0.8
            )
            axes.set(xscale="log", yscale="log")
            if method == methods[-1]:
                axes.set_xlabel(label)
        panels[0].set_ylabel("certified error rate")
        panels[0].set_title(f"{method} encoder, {rows['data'].iloc[0]}", loc="left")
    grid[0, 0].set_ylim(bottom=max(LOWEST, 0.5 * rows["error_rate"].min()))
    handles["projected, not certified"] = Line2D([], [], color="0.3", ls=":", lw=1)
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=3)
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    style.publish(draw, table(options.quick, options.seed), "label_efficiency", options)


if __name__ == "__main__":
    main()
