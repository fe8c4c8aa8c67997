"""Processor time of proofs and of the reports that evaluate what they conclude.

    python -m tests.benchmarks_proofs [--out tests/results/benchmarks_proofs.json]

Each part runs in a process of its own: every proof with the check of each of its steps; building each expression, first
and again; `bounds.evaluate` on the digits, first beyond importing torch, scipy.stats and sympy and loading the digits,
then again. Seconds of processor time on one thread, the best of three processes: a busy machine adds to them less than
to seconds on the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks import provenance

LIMITS = {
    "derive, all": 60.0,
    "expression, slowest first": 0.010,
    "expression, slowest again": 0.010,
    "evaluate, first, over imports and digits": 1.0,
    "bounds, again": 0.3,
}
_DERIVE = """
from bounds.theorems.derive import derive, provable
found = {}
for name in provable():
    start = now()
    assert derive(name).holds, name
    found[name] = now() - start
say({"derive, all": sum(found.values()), "derive, slowest": max(found.values()), "proofs": len(found)})
"""
_BUILD = """
import sys
from bounds.theorems import THEOREMS
modules = [module for name, module in sys.modules.items() if name.startswith("bounds.theorems")]
kept = {one.cache_clear for module in modules for one in vars(module).values() if hasattr(one, "cache_clear")}
first, again = {}, {}
for name, theorem in THEOREMS.items():
    if theorem.proof is None:
        continue
    for found in (first, again):
        for clear in kept:
            clear()
        start = now()
        theorem.proof()
        found[name] = now() - start
say({"expression, slowest again": max(again.values()), "slowest again": max(again, key=again.get),
     "expression, slowest first": max(first.values()), "slowest first": max(first, key=first.get),
     "expressions, all first": sum(first.values())})
"""
_EVALUATE = """
import torch, scipy.stats, sympy
from sklearn.datasets import load_digits
load_digits()
imports = now()
import bounds
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.theorems import THEOREMS
from bounds.theorems.repeated import attempted
import bounds.evaluation.evaluation as module
kept = {}
report_on = module.report_on
def watched(evidence, theorems, delta, *more, **named):
    kept.update(evidence=evidence, theorems=theorems, delta=delta)
    return report_on(evidence, theorems, delta, *more, **named)
module.report_on = watched
def report():
    data = digits()
    return bounds.evaluate(
        CHECKPOINTS["VICReg"], data.labeled, data.unlabeled, test=data.test,
        pairs="class", fresh=True, class_prior="balanced",
    )
found = report()
first = now() - imports
start = now()
again = [attempted(theorem, kept["evidence"], kept["delta"]) for theorem in kept["theorems"]]
bounds_again = now() - start
start = now()
report()
say({"evaluate, first, over imports and digits": first, "imports and digits": imports, "bounds, again": bounds_again,
     "evaluate, again": now() - start, "bounds": len(found.bounds)})
"""


def seconds(source: str, runs: int = 3) -> dict[str, Any]:
    """What a program says of itself: the run of a few that took least."""
    head = "import json, time\nnow = time.process_time\ndef say(x): print(json.dumps(x))\n"
    # Modules are compiled once, as in a user's second process.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
    found = []
    for _ in range(runs):
        said = subprocess.check_output([sys.executable, "-c", head + source], env=environment)
        found.append(json.loads(said.splitlines()[-1]))
    return min(found, key=lambda one: next(iter(one.values())))


def measured() -> dict[str, Any]:
    """All numbers."""
    return {**seconds(_DERIVE, 1), **seconds(_BUILD), **seconds(_EVALUATE)}


def main() -> None:
    """Print each number with its limit, and save them if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = measured()
    for name, value in found.items():
        limit = f", at most {LIMITS[name]:g}" if name in LIMITS else ""
        print(f"{name}: {value:.4g}{limit}" if isinstance(value, float) else f"{name}: {value}")
    if given.out is not None:
        made = provenance()
        made["versions"]["sympy"] = version("sympy")
        saved = {"limits": LIMITS, "found": found, "provenance": made}
        given.out.write_text(json.dumps(saved, indent=1) + "\n")


if __name__ == "__main__":
    main()
