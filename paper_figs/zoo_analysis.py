"""Which number tells that an encoder is good: every measure of the zoo against the errors, two data sets side by side.

    python paper_figs/zoo_analysis.py [--quick] --out figures

Reads `paper_figs/results/zoo.csv` (from `zoo_measures.py`). For each measure and data set: Kendall's τ with the error
of the ridge probe, with a bootstrap interval over encoders; the granulated τ and the conditional mutual information of
Jiang et al. (2020); and the regret of choosing the encoder by it: error of the chosen one minus the smallest error.
Measures enter in the direction their papers state, written down before one was compared with an error; bounds and
their terms in the direction of the error. Writes `zoo_analysis.csv`, the figure, `zoo_longer.csv`
(the objectives after one and after four times the epochs), and with `--study FILE` the numbers
that `bounds.select` quotes.

τ counts pairs of encoders, of which most differ in several hyperparameters; the granulated τ only those that differ in
one. Intervals resample encoders: encoders that share a data set share its images, so they say nothing about others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style
import zoo_grid

from bounds.selection.score import LARGER_IS_BETTER

RESULTS = Path(__file__).parent / "results"
# What `bounds.select` does not offer: +1, larger is better; -1, smaller is better.
DIRECTIONS: dict[str, int] = LARGER_IS_BETTER | {
    "pairwise_entropy": 1,
    "cdnv": -1,
    "directional_cdnv": -1,
    "neural_collapse": -1,
}
LABELED = ("cdnv", "directional_cdnv", "neural_collapse")
TITLES = {"cifar10": "CIFAR-10", "mnist": "MNIST"}
DRAWS, LEVEL, FEWEST = 1000, 0.95, 6
# Hyperparameter -> the variants that change it alone.
AXES = {
    "weight": ("weight_low", "weight_high"),
    "augmentation": ("weak", "strong"),
    "encoder": ("narrow", "wide", "deep"),
    "epochs": ("short", "long"),
    "projector": ("small_projector",),
    "learning rate": ("slow",),
}


def oriented(frame: pd.DataFrame) -> pd.DataFrame:
    """Measures as scores that should fall with the error: larger is better. Bounds and terms change sign."""
    frame = pd.concat([frame, (frame["alpha_req"] - 1).abs().rename("alpha_req_from_1")], axis=1)
    scores = {name: way * frame[name] for name, way in DIRECTIONS.items() if name in frame}
    scores |= {name: -frame[name] for name in frame if name.startswith("bound.")}
    found = pd.DataFrame(scores)
    return found.loc[:, [found[name].nunique() > 1 for name in found]]


def signs(values: np.ndarray) -> np.ndarray:
    """sign(v_i − v_j) for all pairs."""
    return np.sign(values[:, None] - values[None, :])


def tau_b(agree: float, pairs_x: float, pairs_y: float) -> float:
    """Kendall's τ_b from sums over pairs."""
    size = np.sqrt(pairs_x * pairs_y)
    return agree / size if size > 0 else np.nan


def tau_interval(score: np.ndarray, error: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """τ_b of the score with minus the error, and the bootstrap interval over encoders; weights (draws, N)."""
    x, y = signs(score), -signs(error)

    def totals(matrix: np.ndarray) -> np.ndarray:
        return ((weights @ matrix) * weights).sum(axis=1)

    drawn = totals(x * y) / np.sqrt(np.maximum(totals(x**2) * totals(y**2), 1e-300))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return tau_b((x * y).sum(), (x**2).sum(), (y**2).sum()), float(low), float(high)


def regret_interval(score: np.ndarray, error: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Error of the encoder of the largest score minus the smallest error; the same over resampled encoders.

    Ties of the score are counted at their mean.
    """

    def regret(rows: np.ndarray) -> float:
        best = rows[score[rows] == score[rows].max()]
        return float(error[best].mean() - error[rows].min())

    drawn = [regret(np.flatnonzero(one)) for one in weights]
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return regret(np.arange(len(score))), float(low), float(high)


def groups(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """(hyperparameter, rows that differ in it alone)."""
    variant, objective = frame["variant"].to_numpy(), frame["objective"].to_numpy()
    for axis, changed in AXES.items():
        for name in dict.fromkeys(objective):
            rows = np.flatnonzero((objective == name) & np.isin(variant, ("base", *changed)))
            if len(rows) > 1:
                yield axis, rows
    rows = np.flatnonzero(variant == "base")
    if len(rows) > 1:
        yield "objective", rows


def granulated(score: np.ndarray, error: np.ndarray, frame: pd.DataFrame) -> float:
    """Mean over hyperparameters of the mean τ over groups that differ in it alone (Jiang et al. 2020, eq. 7, 8)."""
    by_axis: dict[str, list[float]] = {}
    for axis, rows in groups(frame):
        agree = -signs(score[rows]) * signs(error[rows])
        by_axis.setdefault(axis, []).append(agree.sum() / (len(rows) * (len(rows) - 1)))
    return float(np.mean([np.mean(found) for found in by_axis.values()])) if by_axis else np.nan


def conditional_information(score: np.ndarray, error: np.ndarray, frame: pd.DataFrame) -> float:
    """Min over S of I(sign Δscore; sign Δerror | S) / H(sign Δerror | S) over ordered pairs, in [0, 1].

    S is nothing, or the two encoders' objectives, or their variants (Jiang et al. 2020, section 2.2.3, with at most
    one hyperparameter in S: more would leave cells with a few pairs). Plug-in: small values are biased upward.
    """
    off = ~np.eye(len(score), dtype=bool)
    x, y = signs(score)[off].astype(np.int64) + 1, signs(error)[off]
    kept = y != 0
    shares = []
    for cell in (
        np.zeros(off.sum(), dtype=np.int64),
        *(_cells(frame[name])[off] for name in ("objective", "variant")),
    ):
        code = cell[kept] * 6 + x[kept] * 2 + (y[kept] > 0)
        p = (
            np.bincount(code, minlength=6 * (cell.max() + 1)).reshape(-1, 3, 2) / kept.sum()
        )  # (S, Δscore, Δerror)
        given = p.sum(axis=(1, 2), keepdims=True)
        information = _sum_p_log(p, p * given, p.sum(2, keepdims=True) * p.sum(1, keepdims=True))
        entropy = -_sum_p_log(p.sum(1), p.sum(1), given[:, 0])
        shares.append(max(0.0, information / entropy) if entropy > 0 else 0.0)
    return float(min(shares))


def _cells(column: pd.Series) -> np.ndarray:
    """A number for each ordered pair of values, (N, N)."""
    code = pd.factorize(column)[0]
    return code[:, None] * (code.max() + 1) + code[None, :]


def _sum_p_log(p: np.ndarray, above: np.ndarray, below: np.ndarray) -> float:
    """Σ p ln(above/below), 0 ln 0 = 0."""
    positive = p > 0
    return float((p[positive] * np.log((above / np.where(below > 0, below, 1.0))[positive])).sum())


def kind(name: str) -> str:
    """What a measure needs: no labels, labels; or it is a bound, or a bound's term."""
    if name.startswith("bound."):
        return "bound" if name.count(".") == 1 else "term"
    return "labels" if name in LABELED else "no labels"


def table(frame: pd.DataFrame, target: str, draws: int, seed: int) -> pd.DataFrame:
    """A row per data set and measure."""
    rows = []
    for data, part in frame.groupby("data", sort=False):
        part = part[part[target].notna()].reset_index(drop=True)
        if len(part) < FEWEST:
            continue
        error, scores = part[target].to_numpy(), oriented(part)
        rng = np.random.default_rng(seed)
        weights = rng.multinomial(len(part), np.full(len(part), 1 / len(part)), size=draws).astype(np.float64)
        for name in scores:
            score = scores[name].to_numpy()
            if np.isnan(score).any():
                continue  # a bound that does not apply to every encoder ranks none
            tau, tau_low, tau_high = tau_interval(score, error, weights)
            regret, regret_low, regret_high = regret_interval(score, error, weights)
            rows.append(
                {
                    "data": data, "target": target, "measure": name.removeprefix("bound."), "kind": kind(name),
                    "tau": tau, "tau_low": tau_low, "tau_high": tau_high,
                    "granulated_tau": granulated(score, error, part),
                    "conditional_information": conditional_information(score, error, part),
                    "regret": regret, "regret_low": regret_low, "regret_high": regret_high,
                    "regret_at_random": float(error.mean() - error.min()), "encoders": len(part),
                    "smallest_error": float(error.min()),
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def draw(rows: pd.DataFrame) -> Any:
    """τ and regret of every measure and of eight bounds, a pair of panels a data set.

    The eight are those of largest mean τ among all bounds, so theirs flatters; measures are all shown.
    """
    from matplotlib.figure import Figure

    names = list(TITLES)
    shown = rows[(rows["target"] == "probe_error") & rows["kind"].isin(("no labels", "labels", "bound"))]
    mean = shown.groupby(["measure", "kind"])["tau"].agg(["mean", "size"]).reset_index()
    mean = mean[mean["size"] == shown["data"].nunique()].rename(columns={"mean": "tau"})
    measures = mean[mean["kind"] != "bound"]
    best = mean[mean["kind"] == "bound"].nlargest(8, "tau")
    order = pd.concat([measures, best]).sort_values("tau", ascending=False).reset_index(drop=True)
    colours = {"no labels": style.PALETTE[0], "labels": style.PALETTE[3], "bound": style.PALETTE[2]}
    figure = Figure(figsize=(style.PAGE, 1.0 + 0.155 * len(order)))
    panels = figure.subplots(1, 4, sharey=True)
    for place, name in enumerate(names):
        part = shown[shown["data"] == name].set_index("measure")
        for axes, quantity, factor in ((panels[2 * place], "tau", 1), (panels[2 * place + 1], "regret", 100)):
            for y, (measure, what) in enumerate(zip(order["measure"], order["kind"], strict=True)):
                if measure in part.index:
                    row = part.loc[measure]
                    axes.hlines(
                        y,
                        factor * row[f"{quantity}_low"],
                        factor * row[f"{quantity}_high"],
                        color=colours[what],
                        lw=1,
                    )
                    axes.plot(factor * row[quantity], y, "o", ms=3, color=colours[what])
            axes.grid(axis="x", color="0.92", lw=0.6)
        if len(part):
            count = int(part["encoders"].iloc[0])
            panels[2 * place].set_title(f"{TITLES[name]}, {count} encoders", loc="left")
            panels[2 * place].axvline(0, color="0.6", lw=0.6)
            panels[2 * place + 1].axvline(100 * part["regret_at_random"].iloc[0], color="0.4", lw=0.8, ls=":")
        panels[2 * place].set_xlabel("Kendall τ with accuracy")
        panels[2 * place + 1].set_xlabel("regret (% points)")
    panels[0].set_yticks(range(len(order)), [one.replace("_", " ") for one in order["measure"]])
    panels[0].set_ylim(len(order) - 0.5, -0.5)
    handles = [
        panels[0].plot([], [], "o", ms=3, color=colour, label=what)[0] for what, colour in colours.items()
    ]
    handles.append(panels[1].plot([], [], ls=":", color="0.4", label="choice at random")[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def study(rows: pd.DataFrame, frame: pd.DataFrame) -> dict[str, Any]:
    """What `bounds.select` quotes: τ and regret of the measures it offers, and the regret across the data sets.

    The best measure is best on the encoders at hand; `crossed` says what the measure of largest τ on one data set cost
    on the other, which choosing it did not see.
    """
    free = rows[(rows["target"] == "probe_error") & rows["measure"].isin(LARGER_IS_BETTER)]
    found: dict[str, Any] = {}
    columns = ["tau", "tau_low", "tau_high", "regret", "regret_low", "regret_high"]
    for measure, part in free.groupby("measure", sort=False):
        by_data = {
            row["data"]: {name: round(float(row[name]), 4) for name in columns}
            | {"encoders": int(row["encoders"])}
            for _, row in part.iterrows()
        }
        if len(by_data) == len(TITLES):
            found[str(measure)] = by_data
    best = max(found, key=lambda name: min(one["tau"] for one in found[name].values())) if found else None
    crossed = {}
    for data in TITLES if found else ():
        name = max(found, key=lambda one: found[one][data]["tau"])
        crossed |= {
            other: {"measure": name, "chosen_on": data, **found[name][other]}
            for other in TITLES
            if other != data
        }
    return {
        "best": best,
        "chosen_by": "largest value of the smaller tau of the data sets",
        "encoders": len(frame),
        "images": f"{zoo_grid.SIDE} x {zoo_grid.SIDE} pixels, {zoo_grid.EPOCHS} epochs of 5,000 images",
        "measures": found,
        "crossed": crossed,
    }


def longer(frame: pd.DataFrame) -> pd.DataFrame:
    """Do the objectives keep their order when they train four times as long? A row per objective that did."""
    errors = frame[frame["data"] == "cifar10"].pivot_table("probe_error", "objective", "variant")
    if not {"base", "long"} <= set(errors):
        return pd.DataFrame()
    kept = errors[["base", "long"]].dropna()
    agree = signs(kept["base"].to_numpy()) * signs(kept["long"].to_numpy())
    pairs = len(kept) * (len(kept) - 1)
    return kept.reset_index().assign(tau=agree.sum() / pairs if pairs else np.nan)


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument("--table", type=Path, default=RESULTS / "zoo.csv", help="from zoo_measures.py")
    parser.add_argument("--study", type=Path, help="JSON file for `bounds.select`")
    parser.add_argument("--draws", type=int, help=f"bootstrap resamples, {DRAWS} by default")
    parser.add_argument("--targets", nargs="+", help="columns with errors; all by default")
    parser.add_argument("--no-terms", action="store_true", help="bounds without their terms: a few seconds")
    options = parser.parse_args(argv)
    frame = pd.read_csv(options.table, comment="#")
    if options.no_terms:
        frame = frame[[name for name in frame if kind(name) != "term"]]
    targets = [name for name in frame if name in ("probe_error", "knn_error") or name.startswith("error_")]
    draws = options.draws or (100 if options.quick else DRAWS)
    chosen = options.targets or (targets[:1] if options.quick else targets)
    rows = pd.concat([table(frame, target, draws, options.seed) for target in chosen], ignore_index=True)
    style.publish(draw, rows, "zoo_analysis", options, encoders=len(frame))
    kept = longer(frame)
    if len(kept):
        style.write_csv(kept, "zoo_longer", options.out, style.provenance(encoders=len(frame)))
    if options.study is not None:
        part = options.study.with_suffix(".part")
        part.write_text(json.dumps(study(rows, frame), indent=1) + "\n", encoding="utf-8")
        os.replace(part, options.study)


if __name__ == "__main__":
    main()
