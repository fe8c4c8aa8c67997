"""The factor c = ||W_S - W_S_bar||_2 of VICReg's bound: against n/m, and against a shift between S and S_bar.

Left: heads fitted on sub-samples of the labeled digits and on all pairs; lines are means over draws, bands reach from
the smallest to the largest. The dotted line marks n = d, where the min-norm head starts to interpolate. Middle:
Gaussian pixel noise added to the images of S_bar only. Right: classes of S_bar re-weighted, classes 0 to 4 kept with a
smaller share. Representations are l2-normalised.

    python paper_figs/c_factor.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import style
import torch
from inputs import digit_pairs, encode, encoder

from bounds.draws import permutation
from bounds.evidence.evidence import Evidence
from bounds.evidence.setting import Setting
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations

RIDGE = 1e-2
HEADS: dict[str, Any] = {"min-norm head": "min_norm", "ridge head": ("ridge", RIDGE)}
NOISE = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
KEPT = (1.0, 0.5, 0.25, 0.1, 0.05)
Part = tuple[np.ndarray, np.ndarray]


def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per encoder, panel, size or shift, head and draw."""
    repeats = 3 if quick else 10
    rows: list[dict[str, Any]] = []
    images, labels = digits().labeled
    first, _, pair_labels = digit_pairs()
    for method in CHECKPOINTS:
        network = encoder(method)
        z, pairs = encode(network, images), encode(network, first)
        for repeat in range(repeats):
            order, other = (
                permutation(seed, len(x), stream=2 * repeat + k) for k, x in enumerate((z, pairs))
            )
            shuffled, drawn = (z[order], labels[order]), (pairs[other], pair_labels[other])

            def add(panel: str, x: float, m: int, s: Part, s_bar: Part, method=method, repeat=repeat) -> None:
                found = factors(s, s_bar)
                rows.extend(
                    {"method": method, "panel": panel, "x": x, "n": len(s[1]), "m": m, "head": head}
                    | {"d": s[0].shape[1], "repeat": repeat, "c": value}
                    for head, value in found.items()
                )

            for n in sorted({int(k) for k in np.geomspace(20, len(z), 6 if quick else 12)}):
                add("ratio", n / len(pairs), len(pairs), take(shuffled, n), drawn)
            rng = np.random.default_rng([seed, repeat])
            for level in NOISE:
                noisy = np.clip(first[other] + 255 * level * rng.normal(size=first.shape), 0, 255)
                moved = encode(network, noisy.round().astype(np.uint8)), pair_labels[other]
                add("noise", level, len(pairs), shuffled, moved)
            for share in KEPT:
                low = np.flatnonzero(drawn[1] < 5)
                kept = np.setdiff1d(np.arange(len(drawn[1])), low[: round((1 - share) * len(low))])
                add("prior", share, len(kept), shuffled, (drawn[0][kept], drawn[1][kept]))
    return pd.DataFrame(rows)


def take(part: Part, count: int) -> Part:
    """The first `count` items."""
    return part[0][:count], part[1][:count]


def factors(s: Part, s_bar: Part) -> dict[str, float]:
    """The factor for each kind of head, fitted on both."""
    found = {}
    unit = Normalization("l2", 1.0)
    tables = [unit.apply(Representations((x,), y, name)) for name, (x, y) in (("S", s), ("S_bar", s_bar))]
    for name, head in HEADS.items():
        setting = Setting(10, 1.0, float(np.sqrt(2)), {}, head=head)
        heads = [Evidence(setting, one).head.weight for one in tables]
        found[name] = float(torch.linalg.matrix_norm(heads[0] - heads[1], 2))
    return found


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(style.PAGE, 2.6))
    ratio, noise, prior = figure.subplots(1, 3)
    prior.sharey(noise)
    methods = list(rows["method"].unique())
    for color, method in zip(style.PALETTE, methods, strict=False):
        for dashes, head in zip(("-", "--"), HEADS, strict=True):
            part = rows[(rows["method"] == method) & (rows["head"] == head)]
            for axes, panel in ((ratio, "ratio"), (noise, "noise"), (prior, "prior")):
                one = part[part["panel"] == panel]
                c = one.groupby("x")["c"]
                axes.plot(c.mean().index, c.mean(), dashes, marker="o", ms=2.5, color=color)
                axes.fill_between(c.mean().index, c.min(), c.max(), color=color, alpha=0.15, lw=0)
    widest = rows[rows["panel"] == "ratio"]["m"].max()
    ratio.axvline(rows["d"].iloc[0] / widest, color="0.5", ls=":", lw=0.9)
    above = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
    ratio.annotate("$n = d$", (rows["d"].iloc[0] / widest, 1.0), fontsize=7, **above)
    ratio.set(xscale="log", yscale="log", xlabel=f"$n/m$, at $m$ = {widest}")
    ratio.set_ylabel(r"$c = \|W_S - W_{\bar S}\|_2$")
    noise.set(yscale="log", xlabel=r"pixel noise on $\bar S$ (std.)")
    prior.set(xlabel=r"share kept of classes 0 to 4 in $\bar S$", xlim=(1.03, 0))
    handles = [Line2D([], [], color=c, label=m) for c, m in zip(style.PALETTE, methods, strict=False)]
    handles += [Line2D([], [], color="0.3", ls=d, label=h) for d, h in zip(("-", "--"), HEADS, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    style.publish(draw, table(options.quick, options.seed), "c_factor", options, ridge=RIDGE, data="digits")


if __name__ == "__main__":
    main()
