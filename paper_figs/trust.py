"""Tables of the trust page, from what the long studies saved in paper_figs/results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bounds.assumptions.assumption import TITLES

RESULTS = Path(__file__).with_name("results")


def markdown(columns: list[str], rows: list[list[Any]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _origin(name: str) -> str:
    """Commit and day, from the head of a saved table."""
    head = (RESULTS / name).read_text("utf-8").splitlines()[:8]
    said = dict(line[2:].split(": ", 1) for line in head if line.startswith("# ") and ": " in line)
    return f"`{said['script']}` at commit {said['commit']}, {said['date'][:10]}"


def coverage_of_bounds() -> str:
    """Counts of the study of all bounds in all worlds."""
    rows = pd.read_csv(RESULTS / "coverage.csv", comment="#")
    ran = rows[(rows["kind"] == "bound") & (rows["trials"] > 0)]
    promised, other = ran[ran["promised"]], ran[~ran["promised"]]
    worst = promised.loc[promised["rate"].idxmax()]
    exceeded = other[other["violations"] > other["delta"] * other["trials"]]
    table = markdown(
        ["", "all assumptions hold", "an assumption fails"],
        [
            ["bounds in worlds", len(promised), len(other)],
            ["trials", f"{promised['trials'].sum():,}", f"{other['trials'].sum():,}"],
            [
                "trials in which the truth exceeded the bound",
                *(f"{p['violations'].sum():,}" for p in (promised, other)),
            ],
            [
                "bounds in worlds exceeded in more than a share δ of the trials",
                int((promised["violations"] > promised["delta"] * promised["trials"]).sum()),
                len(exceeded),
            ],
            ["largest share of trials", f"{worst['rate']:.3f}", f"{other['rate'].max():.3f}"],
        ],
    )
    delta = ", ".join(f"{value:g}" for value in sorted(set(ran["delta"])))
    return (
        f"{ran['bound'].nunique()} bounds in {ran['world'].nunique()} worlds of known truth, δ = {delta} "
        f"({_origin('coverage.csv')}). The largest share where all assumptions hold is that of "
        f"`{worst['bound']}` in `{worst['world']}`.\n\n{table}"
    )


def broken_assumptions() -> str:
    """For each assumption: the bounds that worlds without it have refuted."""
    found = json.loads((RESULTS / "coverage.json").read_text("utf-8"))["assumptions"]
    rows = []
    for name, seen in found.items():
        exceeded = seen["exceeded"]
        most = max(exceeded.items(), key=lambda one: one[1]["violations"] / one[1]["trials"], default=None)
        rows.append(
            [
                name,
                TITLES[name],
                len(exceeded),
                len(seen["not exceeded, closest ratio"]),
                "none"
                if most is None
                else f"`{most[0]}` in `{most[1]['world']}`: {most[1]['violations']} of {most[1]['trials']}",
            ]
        )
    return markdown(
        ["", "assumption", "bounds exceeded without it", "not exceeded", "most often exceeded"], rows
    )


def searched_worlds() -> str:
    """The worst worlds that a search found."""
    rows = pd.read_csv(RESULTS / "attacks.csv", comment="#")
    rows = rows[rows["promised"] & (rows["trials"] > 0)]
    worst = rows.sort_values("p_value").head(5)
    table = markdown(
        ["bound", "family of worlds", "δ", "exceeded", "p-value of more than δ"],
        [
            [f"`{r.bound}`", r.family, f"{r.delta:.3f}", f"{r.violations} of {r.trials}", f"{r.p_value:.2g}"]
            for r in worst.itertuples()
        ],
    )
    return (
        f"The five smallest p-values of {len(rows)} searches over two families of worlds, each for the world that makes "
        f"one bound worst ({_origin('attacks.csv')}).\n\n{table}"
    )


def tests_of_assumptions() -> str:
    """Size and power of the tests that refute assumptions."""
    rows = pd.read_csv(RESULTS / "assumption_tests.csv", comment="#")
    lines = []
    for test, part in rows.groupby("test", sort=False):
        null, false = part[part["null"]], part[~part["null"]]
        lines.append(
            [
                test,
                f"{int(null['draws'].sum()):,}",
                f"{null['at 5 %'].max():.3f}",
                f"{part['level'].iloc[0]:g}",
                f"{null['at its level'].max():.4f}",
                f"{false['at its level'].min():.2f} to {false['at its level'].max():.2f}"
                if len(false)
                else "–",
            ]
        )
    return markdown(
        [
            "test",
            "draws where the null is true",
            "refuted at 5 %",
            "its own level",
            "refuted at that",
            "power at that, over the worlds that break it",
        ],
        lines,
    )


def worlds_of_duels() -> str:
    """How often duels, rankings and certificates to a target were wrong, and a naive rule beside each."""
    rows = pd.read_csv(RESULTS / "duel_worlds.csv", comment="#")
    return markdown(
        ["world", "runs", "wrong", "naive rule wrong", "what it is"],
        [
            [r.world, f"{r.runs:,}", f"{r.wrong / r.runs:.1%}", f"{r.naive / r.runs:.1%}", r.what]
            for r in rows.itertuples()
        ],
    )
