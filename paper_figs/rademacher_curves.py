"""Rademacher complexities of the named classes against the number of pairs m: from above, by Monte Carlo, from below.

R = (1/sqrt m) E sup sum xi_i h(i), no absolute value; a bound pays 2 R / sqrt(m), drawn on the right. A price of 2 B,
the largest distance of two representations, says nothing about invariance. Solid: upper bound. Markers with bars: Monte
Carlo, with its 95 % interval. Dashed: lower bound. A single encoder fixed before the pairs has R = 0 and is in the CSV
only.

    python paper_figs/rademacher_curves.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import style
from data_sizes import plain_ticks
from inputs import digit_pairs, encode, encoder

import bounds
from bounds.complexity import FiniteClass, LinearHead, LinearMap, Neighbourhood, Singleton, SpectralNet
from bounds.examples.digits import CHECKPOINTS
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations

METHOD = "VICReg"
BETA, RHO = 1.0, 0.1
WORST = 2.0  # 2 B with B = 1


def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per class and m."""
    first, second, labels = digit_pairs()
    unit = Normalization("l2", 1.0)

    def pair_table(method: str, m: int) -> Representations:
        views = tuple(encode(encoder(method), images[:m]) for images in (first, second))
        return unit.apply(Representations(views, labels[:m], method))

    rows = []
    m_all = len(labels)
    for m in sorted({int(k) for k in np.geomspace(m_all / 8, m_all, 3 if quick else 7)}):
        tables = {method: pair_table(method, m) for method in CHECKPOINTS}
        one = tables[METHOD]
        head = Representations((one.views[0],), one.labels, "heads")
        pixels = tuple(np.asarray(x[:m, None], dtype=np.uint8) for x in (first, second))
        network: dict[str, Any] = {"encoder": CHECKPOINTS[METHOD]}
        classes: list[tuple[str, Any, Any, dict[str, Any]]] = [
            ("one encoder", Singleton(), one, {}),
            ("two encoders", FiniteClass(), list(tables.values()), {}),
            ("heads, Frobenius ball", LinearHead(BETA, num_classes=10), head, {}),
            ("maps, Frobenius ball", LinearMap(BETA), one, {}),
            ("maps, spectral ball", LinearMap(BETA, norm="spectral"), one, {}),
            ("networks near in weights", Neighbourhood(RHO, "l2", steps=3 if quick else 10), pixels, network),
            ("networks, norm products", SpectralNet(), pixels, network),
        ]
        for label, named, data, options in classes:
            found = bounds.rademacher(
                data, named, draws=50 if quick else 400, search=2 if quick else 8, seed=seed, **options
            )
            estimate, lower = found.monte_carlo, found.lower
            rows.append(
                {
                    "class": label,
                    "name": found.name,
                    "m": m,
                    "upper": found.upper,
                    "upper_basis": found.upper_basis,
                    "status": found.status,
                    "monte_carlo": None if estimate is None else estimate.value,
                    "low": None if estimate is None else estimate.low,
                    "high": None if estimate is None else estimate.high,
                    "estimate_of": None if estimate is None else estimate.of,
                    "lower": None if lower is None else lower.value,
                }
            )
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(style.PAGE, 3.0))
    left, right = figure.subplots(1, 2)
    names = [
        name for name in rows["class"].unique() if (rows[rows["class"] == name][SIDES] > 0).any(axis=None)
    ]
    ends = {}
    for color, name in zip(style.PALETTE, names, strict=False):
        part = rows[rows["class"] == name]
        for axes, scale in ((left, 1.0), (right, 2 / np.sqrt(part["m"]))):
            axes.plot(part["m"], scale * part["upper"], "-", color=color)
            axes.plot(part["m"], scale * part["lower"], "--", color=color)
            middle, bars = (
                scale * part["monte_carlo"],
                [part["monte_carlo"] - part["low"], part["high"] - part["monte_carlo"]],
            )
            if middle.notna().any():
                axes.errorbar(
                    part["m"],
                    middle,
                    [(scale * bar).clip(lower=0) for bar in bars],
                    fmt="o",
                    ms=2.5,
                    lw=0.8,
                    color=color,
                )
        last = part.iloc[-1]
        ends[name] = (last["m"], last["upper"] if pd.notna(last["upper"]) else last["lower"], color)
    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="pairs $m$")
        plain_ticks(axes, sorted(rows["m"].unique()))
    left.set(ylabel=r"complexity $\widetilde{R}_m$")
    right.set(ylabel=r"price in a bound, $2\widetilde{R}_m/\sqrt{m}$")
    right.axhline(WORST, color="0.3", ls=":", lw=1)
    left.set_xlim(right=rows["m"].max() * 1.05)
    handles = [Line2D([], [], color=c, label=n) for c, n in zip(style.PALETTE, names, strict=False)]
    handles += [
        Line2D([], [], color="0.3", label="upper bound"),
        Line2D([], [], color="0.3", marker="o", ms=2.5, ls="", label="Monte Carlo, 95 %"),
        Line2D([], [], color="0.3", ls="--", label="lower bound"),
        Line2D([], [], color="0.3", ls=":", lw=1, label=r"$2B$, the largest $\|f - f'\|$"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


SIDES = ["upper", "monte_carlo", "lower"]


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    notes = {"encoder": CHECKPOINTS[METHOD].name, "beta": BETA, "rho": RHO, "data": "digits, class pairs"}
    style.publish(draw, table(options.quick, options.seed), "rademacher_curves", options, **notes)


if __name__ == "__main__":
    main()
