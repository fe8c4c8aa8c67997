"""What the study of the zoo says: a sentence for README and tables for the page, from its saved results."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
from trust import RESULTS, markdown
from zoo_analysis import TITLES

from bounds.report.families import FAMILIES, family_of
from bounds.selection.select import STUDY
from bounds.theorems import THEOREMS

# Beside the measure that the study finds best: the one that papers use, a certificate, and the bound taken apart.
KNOWN, CERTIFICATE, ANATOMY = "rank_me", "held_out", "vicreg_direct"
OTHER_DATA = {
    "error_fashion-mnist": "Fashion-MNIST",
    "error_clothing": "clothing",
    "error_food101-10": "food",
    "error_flowers102": "flowers",
}


def analysis() -> pd.DataFrame:
    """τ and regret of every measure with every error, saved by `zoo_analysis.py`."""
    return pd.read_csv(RESULTS / "zoo_analysis.csv", comment="#")


def in_short() -> str:
    """One sentence: what choosing by the best measure without labels, by RankMe and by a certificate costs."""
    rows, best = analysis(), json.loads(STUDY.read_text("utf-8"))["best"]
    rows = rows[rows["target"] == "probe_error"].set_index(["data", "measure"])

    def cost(measure: str, column: str = "regret") -> str:
        return " and ".join(f"{100 * rows.loc[(data, measure), column]:.1f}" for data in TITLES)

    of = [rows.loc[(data, best)] for data in TITLES]
    trained = " and ".join(
        f"{one['encoders']} on {title}" for one, title in zip(of, TITLES.values(), strict=True)
    )
    ranges = ", ".join(f"{100 * one['regret_low']:.1f} to {100 * one['regret_high']:.1f}" for one in of)
    return (
        f"Of small encoders, {trained}, the one chosen by `{best}`, which of the measures without labels ranks best, errs "
        f"{cost(best)} points more than the best one (95 %: {ranges}); chosen by `{KNOWN}` {cost(KNOWN)}, by the certified "
        f"error of `{CERTIFICATE}`, which sees labels, {cost(CERTIFICATE)}, and at random {cost(best, 'regret_at_random')}."
    )


def measures_table() -> str:
    """τ, granulated τ and regret of every measure, and of the certificates that rank best, on both data sets."""
    rows = analysis()
    rows = rows[rows["target"] == "probe_error"]
    order = rows.groupby(["kind", "measure"])["tau"].agg(["mean", "size"]).reset_index()
    order = order[(order["size"] == len(TITLES)) & (order["kind"] != "term")]
    order = pd.concat([order[order["kind"] != "bound"], order[order["kind"] == "bound"].nlargest(8, "mean")])
    lines = [
        _line(rows, row.measure, row.kind) for row in order.sort_values("mean", ascending=False).itertuples()
    ]
    columns = [f"{what}, {title}" for title in TITLES.values() for what in ("τ", "granulated τ", "regret")]
    return markdown(["measure", "needs", *columns], lines)


def _line(rows: pd.DataFrame, measure: Any, kind: Any) -> list[str]:
    cells = [f"`{measure}`", {"bound": "a bound"}.get(kind, kind)]
    for data in TITLES:
        one = rows[(rows["data"] == data) & (rows["measure"] == measure)].iloc[0]
        cells += [
            f"{one['tau']:+.2f} ({one['tau_low']:+.2f} to {one['tau_high']:+.2f})",
            f"{one['granulated_tau']:+.2f}",
            f"{100 * one['regret']:.1f} ({100 * one['regret_low']:.1f} to {100 * one['regret_high']:.1f})",
        ]
    return cells


def terms_table() -> str:
    """The terms of Theorem 2 as scores: which of them orders encoders as the probe does."""
    rows = analysis()
    rows = rows[(rows["target"] == "probe_error") & rows["measure"].str.match(rf"{ANATOMY}(\.|$)")]
    names = [name for name, part in rows.groupby("measure") if len(part) == len(TITLES)]
    mean = rows[rows["measure"].isin(names)].groupby("measure")["tau"].mean().sort_values(ascending=False)
    lines = []
    for name in mean.index:
        cells = [f"`{name.split('.', 1)[1]}`" if "." in name else "the bound"]
        for data in TITLES:
            one = rows[(rows["data"] == data) & (rows["measure"] == name)].iloc[0]
            cells.append(f"{one['tau']:+.2f} ({one['tau_low']:+.2f} to {one['tau_high']:+.2f})")
        lines.append(cells)
    return markdown([f"term of `{ANATOMY}`", *(f"τ, {title}" for title in TITLES.values())], lines)


def families_table() -> str:
    """How the bounds of each family order encoders: the smallest and the largest τ among them."""
    rows = analysis()
    rows = rows[(rows["target"] == "probe_error") & (rows["kind"] == "bound")]
    family = {name: family_of(theorem) for name, theorem in THEOREMS.items()}
    lines = []
    for title in dict.fromkeys(family.values()):
        mine = rows[[family.get(name) == title for name in rows["measure"]]]
        if mine["data"].nunique() < len(TITLES):
            continue
        taus = [mine[mine["data"] == data]["tau"] for data in TITLES]
        lines.append([FAMILIES[title][0], *(f"{one.min():+.2f} to {one.max():+.2f}" for one in taus)])
    return markdown(["bounds of the family", *(f"τ, {title}" for title in TITLES.values())], lines)


def other_data_table() -> str:
    """τ of measures taken on CIFAR-10 with the error of a ridge head on data no encoder was trained on."""
    rows = analysis()
    rows = rows[(rows["data"] == "cifar10") & (rows["kind"] == "no labels")]
    here = rows[rows["target"] == "probe_error"].set_index("measure")["tau"].sort_values(ascending=False)
    lines = []
    for name in here.index:
        away = [rows[(rows["target"] == target) & (rows["measure"] == name)]["tau"] for target in OTHER_DATA]
        lines.append([f"`{name}`", f"{here[name]:+.2f}", *(f"{one.iloc[0]:+.2f}" for one in away)])
    return markdown(["measure", "CIFAR-10", *OTHER_DATA.values()], lines)


def longer_table() -> str:
    """Errors of the bases after one and after four times the epochs, and whether the objectives keep their order."""
    zoo = pd.read_csv(RESULTS / "zoo.csv", comment="#")
    errors = zoo[zoo["data"] == "cifar10"].pivot_table("probe_error", "objective", "variant")[
        ["base", "long"]
    ]
    errors = errors.dropna().sort_values("base")
    pairs = [(a, b) for i, a in enumerate(errors.index) for b in errors.index[:i]]
    kept = sum(
        (errors["base"][a] - errors["base"][b]) * (errors["long"][a] - errors["long"][b]) > 0
        for a, b in pairs
    )
    lines = [[f"`{name}`", f"{row['base']:.1%}", f"{row['long']:.1%}"] for name, row in errors.iterrows()]
    table = markdown(["objective", "error of the probe", "after four times the epochs"], lines)
    return f"{table}\n\n{kept} of the {len(pairs)} pairs of objectives keep their order."
