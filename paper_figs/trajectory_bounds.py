"""Bounds along training against the measured test error, with Kendall's rank correlations.

Left: each bound, on its own axis, against the test error of its encoder, a marker per kept encoder. Right, in the same
colours: Kendall's tau with the test error, with a 95 % bootstrap interval over the encoders; grey: quantities behind
the bounds. Encoders of one run are not independent: the intervals hold for these runs only.

    python paper_figs/trajectory_bounds.py [--quick] --out figures

Drawn from the file that cifar10_trajectory.py saved, otherwise from short runs on scikit-learn's digits: the CSV says
which. Also writes the correlations of every term as trajectory_correlations.csv.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import runs
import style

import bounds

TITLES = {
    **{name: name for name in runs.BOUNDS},
    "vicreg_short": "short form, $c = 1$",
    "invariance": "invariance",
    "labeled_residual_mean": "residual on $S$",
    "c": r"$c = \|W_S - W_{\bar S}\|_2$",
    "W_S_norm": r"$\|W_S\|_2$",
}
MARKERS = dict(zip(runs.BOUNDS, "os^Dv", strict=True))


def correlations(rows: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau of every quantity with the test error."""
    return bounds.correlate(rows.drop(columns=["objective", "epoch"]).to_dict("records"))


def draw_from(taus: pd.DataFrame) -> Any:
    """How to draw the rows, with the correlations beside them."""

    def draw(rows: pd.DataFrame) -> Any:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(style.PAGE, 2.6))
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        shown = [name for name in runs.BOUNDS if name in rows and rows[name].notna().any()]
        for color, name in zip(style.PALETTE, shown, strict=False):
            left.plot(100 * rows["test_error"], rows[name], MARKERS[name], ms=3, color=color)
        left.set(xlabel="measured test error (%)", ylabel="bound, on its own axis", yscale="log")
        left.set_title(rows["runs"].iloc[0], loc="left")
        part = taus.set_index("quantity").reindex([name for name in TITLES if name in set(taus["quantity"])])
        part = part.sort_values("tau", ascending=False)
        y = range(len(part))
        colors = [style.PALETTE[shown.index(name)] if name in shown else "0.4" for name in part.index]
        right.hlines(y, part["low"], part["high"], color=colors, lw=1.2)
        for at, name, color in zip(y, part.index, colors, strict=True):
            right.plot(part["tau"][name], at, MARKERS.get(name, "o"), ms=4, color=color)
        right.axvline(0, color="0.3", lw=0.8, ls="--")
        right.set_yticks(list(y), [TITLES[name] for name in part.index])
        for text, color in zip(right.get_yticklabels(), colors, strict=True):
            text.set_color(color)
        right.set(xlabel=r"Kendall's $\tau$ with the test error", xlim=(-1.05, 1.05))
        right.set_ylim(len(part) - 0.5, -0.5)
        right.tick_params(axis="y", length=0)
        right.set_title(f"{int(part['count'].max())} encoders", loc="left")
        return figure

    return draw


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    label, rows = runs.trajectories(options.quick, options.seed)
    taus = correlations(rows)
    style.write_csv(
        taus, "trajectory_correlations", options.out, style.provenance(**vars(options)) | {"runs": label}
    )
    style.publish(draw_from(taus), rows.assign(runs=label), "trajectory_bounds", options, runs=label)


if __name__ == "__main__":
    main()
