"""The long study behind `bound_coverage`: every bound in every world, and a search that tries to break each bound.

    python paper_figs/coverage_study.py --trials 1000 --workers 2           results/coverage.csv, results/coverage.json
    python paper_figs/coverage_study.py --attacks 40 --trials 0             results/attacks.csv

`coverage.json` answers, for each assumption: in which world does it fail, which bounds that need it are then exceeded
more often than delta, and how close the others come (largest critical ratio, the (1 - delta)-quantile of truth/bound).

Worlds that are done are kept in results/coverage.unfinished.csv until all are: a run with the same code and settings
goes on there.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import style

from bounds.worlds import FAMILIES, WORLDS, attack, checkable, coverages

RESULTS = Path(__file__).parent / "results"
DELTA = 0.1
REFUTED = 1e-3  # p-value below which violations are more frequent than delta


def study(
    trials: int, broken_trials: int, workers: int, seed: int, done: pd.DataFrame | None = None
) -> Iterator[pd.DataFrame]:
    """A row per world and bound: those done before and all so far, after each world."""
    worlds = [make() for make in WORLDS.values()]
    rows: list[dict[str, Any]] = [] if done is None else done.to_dict("records")
    known = {row["world"] for row in rows}
    for count, broken in ((trials, False), (broken_trials, True)):
        chosen = [world for world in worlds if bool(world.violated) == broken and world.name not in known]
        found = coverages(None, chosen, DELTA, count, seed, workers=workers)
        for world, group in itertools.groupby(found, key=lambda row: row.world):
            rows += [row.to_dict() for row in group]
            print(f"{world}: {len(rows)} rows", flush=True)
            yield pd.DataFrame(rows)


def unfinished(path: Path, origin: dict[str, Any]) -> pd.DataFrame | None:
    """The worlds that a run of the same code and settings has done."""
    if not path.exists():
        return None
    head = [line[2:].split(": ", 1) for line in path.read_text("utf-8").splitlines() if line.startswith("# ")]
    said = dict(head)
    same = all(
        said[key] == (value if isinstance(value, str) else json.dumps(value))
        for key, value in origin.items()
        if key in ("commit", "settings", "versions")
    )
    if not same:
        return None
    words = ["failing", "note"]
    return pd.read_csv(path, comment="#", dtype=dict.fromkeys(words, object)).fillna(dict.fromkeys(words, ""))


def assumptions(rows: pd.DataFrame) -> dict[str, Any]:
    """Assumption -> bounds that its failure breaks, with the world, and the closest of the others."""
    bounds = rows[(rows["kind"] == "bound") & (rows["trials"] > 0)]
    found: dict[str, Any] = {}
    for name in sorted({one for failing in bounds["failing"] for one in failing.split()} - {"A1'"}):
        needed = bounds[[name in failing.split() for failing in bounds["failing"]]]
        worst = needed.loc[needed.groupby("bound")["critical_ratio"].idxmax()]
        exceeded = worst[worst["p_value"] < REFUTED]
        others = worst[worst["p_value"] >= REFUTED]
        found[name] = {
            "exceeded": {
                one.bound: {"world": one.world, "violations": int(one.violations), "trials": int(one.trials)}
                for one in exceeded.itertuples()
            },
            "not exceeded, closest ratio": {
                one.bound: {"world": one.world, "ratio": float(one.critical_ratio)}
                for one in others.itertuples()
            },
        }
    return found


def summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Whether any bound failed where it must hold, and what each assumption is worth."""
    promised = rows[rows["promised"].astype(bool) & (rows["trials"] > 0)]
    refuted = promised[promised["p_value"] < REFUTED]
    return {
        "pairs of world and bound where all assumptions hold": len(promised),
        "refuted": refuted[["world", "bound", "violations", "trials"]].to_dict("records"),
        "largest violation rate among them": float(promised["rate"].max()),
        "assumptions": assumptions(rows),
    }


def attacks(points: int, seed: int) -> Iterator[pd.DataFrame]:
    """The worst worlds a search finds for every bound, a row per bound and family: all so far, after each."""
    rows: list[dict[str, Any]] = []
    for theorem in (one for one in checkable() if one.kind == "bound"):
        for family in FAMILIES:
            found = attack(
                theorem.name, family, prior_known=True, points=points, trials=20, confirm=200, seed=seed
            )
            rows.append(found.to_dict() | {"world": family})
            print(f"{theorem.name} in {family}: ratio {found.coverage.critical_ratio:.3f}", flush=True)
            yield pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.set_defaults(out=RESULTS)
    parser.add_argument("--trials", type=int, default=1000, help="per world; 0 leaves the study out")
    parser.add_argument("--broken-trials", type=int, help="where an assumption is broken (default: --trials)")
    parser.add_argument(
        "--attacks", type=int, default=0, help="parameter points per bound; 0 leaves the search out"
    )
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    origin = style.provenance(**vars(options))
    if options.trials:
        part = options.out / "coverage.unfinished.csv"
        done, rows = unfinished(part, origin), None
        for rows in study(
            options.trials, options.broken_trials or options.trials, options.workers, options.seed, done
        ):
            style.write_csv(rows, part.stem, options.out, origin)
        rows = done if rows is None else rows
        style.write_csv(rows, "coverage", options.out, origin)
        partial = options.out / "coverage.part.json"
        partial.write_text(
            json.dumps({"provenance": origin, **summary(rows)}, indent=1, ensure_ascii=False) + "\n"
        )
        os.replace(partial, options.out / "coverage.json")
        part.unlink(missing_ok=True)
    if options.attacks:
        for rows in attacks(options.attacks, options.seed):
            style.write_csv(rows, "attacks", options.out, origin)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
