"""Tables of the trust page, from what the long studies saved in paper_figs/results and tests/results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bounds.assumptions.assumption import TITLES

RESULTS = Path(__file__).with_name("results")
# A section of the page is empty until its file is there.
CHECKS = Path(__file__).resolve().parents[1] / "tests" / "results"


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


def in_short(folder: Path = CHECKS) -> str:
    """The counts of the saved checks, a sentence each."""
    coverage = pd.read_csv(RESULTS / "coverage.csv", comment="#")
    held = coverage[coverage["promised"] & (coverage["trials"] > 0)]
    lines = [
        f"- Coverage: {held['bound'].nunique()} theorems in {held['world'].nunique()} worlds where their assumptions hold, "
        f"up to {int(held['trials'].max()):,} samples each; the largest rate at which one fell below the truth is "
        f"{held['rate'].max():.3f} at δ = {held['delta'].max():g}."
    ]
    fuzzed, killed = _record(folder, "fuzz_reports.json"), _record(folder, "kills.json")
    if fuzzed is not None:
        rare = [rows[min(rows, key=_number)] for rows in fuzzed["bounds"].values()]
        lines.append(
            f"- Whole reports: {fuzzed['worlds']:,} random worlds of known truth, options drawn at random; "
            f"{sum(row['below_truth'] for row in rare):,} of {sum(row['certified'] for row in rare):,} certified bounds "
            f"lay below the truth at δ = {min(map(_number, next(iter(fuzzed['bounds'].values())))):g}."
        )
    if killed is not None:
        lines.append(
            f"- Interruptions: {killed['kills']} kills at random moments, full disks, two runs at once; "
            f"{len(killed['faults'])} results were lost, half-written or different afterwards."
        )
    return "\n".join(lines)


def fuzzed_reports(folder: Path = CHECKS) -> str:
    """Certified bounds of whole reports against the truth, over the worlds of `tests/fuzz_reports.py`."""
    found = _record(folder, "fuzz_reports.json")
    if found is None:
        return ""
    levels = sorted({level for rows in found["bounds"].values() for level in rows}, key=_number)

    def total(level: str, what: str) -> int:
        return sum(rows[level][what] for rows in found["bounds"].values() if level in rows)

    lines = []
    for name, rows in found["bounds"].items():
        line = [f"`{name}`"]
        for level in levels:
            row = rows.get(level)
            line += ["0", "–", "–"] if row is None else [f"{row['certified']:,}", f"{row['below_truth']:,}"]
            if row is not None:
                line.append("–" if not row["closest"] else f"{row['closest']:.3f}")
        lines.append(line)
    columns = ["bound"]
    for level in levels:
        columns += [f"certified at δ = {_number(level):g}", "below the truth", "closest, truth over bound"]
    counts = " ".join(
        f"At δ = {_number(level):g}, {total(level, 'below_truth'):,} of {total(level, 'certified'):,} certified bounds were "
        "below it."
        for level in levels
    )
    refused = sum(found["refused"].values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found["refused"].items()))
    return (
        f"### Whole reports\n\n{found['worlds']:,} random populations whose every risk is a known sum, each with its own "
        f"sizes, options, copies and kinds of pairs, through `bounds.evaluate` ({_versions(found)}). {counts} "
        f"{_listed('Faults', found['bugs'])} The data of {refused:,} worlds were refused{f' ({kinds})' if kinds else ''}. A "
        f"bound from below is exceeded where it lies above the truth.\n\n{markdown(columns, lines)}"
    )


def killed_processes(folder: Path = CHECKS) -> str:
    """What was left of jobs that were killed, had no room, or ran twice at once."""
    found = _record(folder, "kills.json")
    if found is None:
        return ""
    situations = ["kill", "full disk", "no place to write", "two at once"]
    trials = sum(row.get(one, 0) for row in found["jobs"].values() for one in situations)
    table = markdown(
        ["job", "runs to be killed", "kills that hit", *situations[1:]],
        [
            [job, row.get("kill", 0), row.get("kills", 0), *(row.get(one, 0) for one in situations[1:])]
            for job, row in found["jobs"].items()
        ],
    )
    return (
        f"### Kills\n\n{found['kills']} kills at random moments in {trials} trials, each compared with an undisturbed run "
        f"({_versions(found)}). {_listed('Faults', found['faults'])}\n\n{table}"
    )


# How the bounds moved, said of a mutant that no test noticed where nothing more is known of it.
_HARMLESS = {
    "unchanged": "no bound changes",
    "rose": "bounds only rise: weaker, still true",
    "missing": "a bound is gone: nothing false is said",
}


def mutated_proofs(folder: Path = CHECKS) -> str:
    """What became of changes of the proofs, and why those that no test noticed are harmless."""
    found = _record(folder, "mutation.json")
    if found is None:
        return ""
    kinds = list(dict.fromkeys(one["mutant"]["kind"] for one in found["outcomes"]))
    verdicts = {
        "caught": "noticed by a test",
        "refused": "refused when loaded",
        "survived": "noticed by none",
    }

    def count(verdict: str, kind: str | None = None) -> int:
        return sum(
            one["verdict"] == verdict and kind in (None, one["mutant"]["kind"]) for one in found["outcomes"]
        )

    table = markdown(
        ["change of", *verdicts.values()],
        [
            *([kind, *(f"{count(one, kind):,}" for one in verdicts)] for kind in sorted(kinds)),
            ["all", *(f"{count(one):,}" for one in verdicts)],
        ],
    )
    survivors = [one for one in found["outcomes"] if one["verdict"] == "survived"]
    reasons = _record(folder, "mutation_survivors.json") or {}
    unsound = [one for one in survivors if "fell" in one["bounds"]]
    text = (
        f"### Changed proofs\n\n{len(found['outcomes']):,} changes of the {found['sites']:,} that the proofs and their "
        f"kernel allow, one at a time; no test noticed {len(survivors) / len(found['outcomes']):.1%}. "
        f"{len(unsound) or 'None'} of those made a bound smaller at the numbers tried.\n\n{table}"
    )
    if not survivors:
        return text
    rows = [
        [
            f"`{one['mutant']['file'].removeprefix('bounds/')}:{one['mutant']['line']}`",
            f"{_code(one['mutant']['before'])} to {_code(one['mutant']['after'])}",
            _why(one, reasons),
        ]
        for one in survivors
    ]
    return f"{text}\n\nThose that no test noticed:\n\n" + markdown(["where", "change", "why harmless"], rows)


def mutated_numerics(folder: Path = CHECKS) -> str:
    """What became of changes of limits, distances, summaries and heads."""
    found = _record(folder, "mutation_numerics.json")
    if found is None:
        return ""
    files = list(dict.fromkeys(one["file"] for one in found["outcomes"]))
    table = markdown(
        ["file", "changes", "noticed", "not noticed"],
        [
            [
                f"`{file}`",
                len(of_file := [one for one in found["outcomes"] if one["file"] == file]),
                sum(bool(one["noticed_by"]) for one in of_file),
                "; ".join(one["what"] for one in of_file if not one["noticed_by"]) or "none",
            ]
            for file in files
        ],
    )
    noticed = sum(bool(one["noticed_by"]) for one in found["outcomes"])
    return (
        f"### Changed arithmetic\n\n{noticed} of {len(found['outcomes'])} changes of a constant, a direction of rounding or "
        f"a comparison were noticed by the tests of their room; one that is not noticed is one that "
        f"nothing guards.\n\n{table}"
    )


def _record(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / name
    found: dict[str, Any] | None = json.loads(path.read_text("utf-8")) if path.exists() else None
    return found


def _number(level: str) -> float:
    return float(level.removeprefix("delta="))


def _versions(found: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {found[key]}"
        for key, name in (("bounds_version", "bounds"), ("numpy", "numpy"), ("torch", "torch"))
        if key in found
    )


def _listed(title: str, faults: list[str]) -> str:
    return (
        f"{title}: none." if not faults else f"**{title}: {len(faults)}:** {'; '.join(map(_cell, faults))}."
    )


def _why(one: dict[str, Any], reasons: dict[str, str]) -> str:
    """Why a change that no test noticed is harmless: what `mutation_survivors.json` says of it, or how the bounds moved."""
    said, change = one["bounds"].split(", "), one["mutant"]
    if "fell" in said:
        return "**a bound falls**"
    moved = "; ".join(_HARMLESS.get(word, word) for word in said)
    return reasons.get(f"{change['file']}:{change['line']}: {change['before']} -> {change['after']}", moved)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    """Code in a cell of a table, on one line and not too long."""
    line = _cell(text).replace("`", "'")
    return f"`{line if len(line) <= 60 else line[:57] + '...'}`"
