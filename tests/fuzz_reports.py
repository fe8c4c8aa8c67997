"""Whole reports on random finite populations of known truth: a certified bound below the truth is a bug.

    python -m tests.fuzz_reports --worlds 2000 --out tests/results/fuzz_reports.json

Each world is a number: population, sizes, laws of the samples and every option follow from it. At δ = 10⁻⁷ no certified
bound may fail; at δ = 0.2 the bounds are tight enough for a wrong constant to show, and a bound may fail in that share of
the worlds. The report goes through `bounds.evaluate`; the truth is a sum over the population, by other code.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from scipy.stats import binom

import bounds
from bounds.errors import BoundsError, NotApplicable
from bounds.representations.normalization import Normalization
from bounds.theorems import THEOREMS, Bound
from bounds.worlds import draws
from bounds.worlds.population import Population
from bounds.worlds.truth import target
from bounds.worlds.world import Sample

RARE, OFTEN = 1e-7, 0.2
BELOW = ("augmentation_gain_lower", "augmentation_error_floor")  # bounds from below
_SLACK = 1e-9  # of a sum over the population in float64


@dataclass(frozen=True)
class Case:
    """What one number of the fuzz stands for."""

    population: Population
    pairs: str
    n: int
    m: int
    N: int
    leaks: int
    options: dict[str, Any]


def size(rng: np.random.Generator, most: int) -> int:
    """1 to `most`, as often small as large."""
    return round(math.exp(rng.uniform(0, math.log(most))))


def population_of(rng: np.random.Generator) -> Population:
    """K classes over points on, in or beyond the unit ball; few atoms or many, each with one to three views an image."""
    K, d = int(rng.integers(2, 9)), int(rng.integers(1, 9))
    per_class, views = (
        int(rng.choice([1, 3, 20, 300, 3000], p=[0.1, 0.1, 0.15, 0.25, 0.4])),
        int(rng.choice([1, 1, 2, 3])),
    )
    prior = rng.dirichlet(np.full(K, rng.choice([0.5, 3.0, 50.0])))
    centres = rng.normal(size=(K, d)) * rng.choice([0.0, 0.5, 2.0, 8.0])
    images = np.repeat(np.arange(K * per_class), views)
    labels = images // per_class
    anchors = centres[labels] + rng.normal(size=(K * per_class, d))[images]
    points = anchors + rng.choice([0.0, 0.1, 1.0]) * rng.normal(size=(len(images), d))
    if rng.random() < 0.3:  # the same input in several classes, so that every head errs
        points = points[rng.integers(0, len(points), len(points))]
    inside = rng.dirichlet(np.full(per_class * views, rng.choice([0.2, 5.0])), size=K)
    weights = (prior[:, None] * inside).ravel()
    return Population(torch.from_numpy(points), labels, weights / weights.sum(), images)


def small_options(rng: np.random.Generator) -> dict[str, Any]:
    """Options of the few-shot limit and of the head that picks; few shots, so that episodes are many."""
    shots = [int(m) for m in rng.permutation([1, 2, 5])[: rng.integers(1, 3)]]
    rules: list[Any] = ["mean", "mean", ("ridge", float(10 ** rng.uniform(-4, 1))), ("knn", 1)]
    ways: list[Any] = ["all", "pairs", 2]
    few_shot = {
        "shots": shots if rng.random() < 0.5 else shots[0],
        "ways": ways[rng.integers(3)],
        "rule": rules[rng.integers(4)],
        "permutations": int(rng.choice([1, 2, 10])),
    }
    pick_to_learn = {
        "penalty": float(10 ** rng.uniform(-4, 2)),
        "prior_share": float(rng.choice([0.0, 0.2, 0.5])),
        "batch": None if rng.random() < 0.5 else size(rng, 50),
    }
    return {"few_shot": few_shot, "pick_to_learn": pick_to_learn}


def case_of(seed: int) -> Case:
    """Everything that world `seed` is made of."""
    rng = np.random.default_rng([seed, 26])
    population = population_of(rng)
    K = population.num_classes
    pairs = str(rng.choice(["class", "class", "class", "class", "views", "pool", "none"]))
    normalize = rng.choice(["l2", "clip", "none"], p=[0.6, 0.3, 0.1])
    heads: list[Any] = [
        *["min_norm"] * 5,
        ("ridge", float(10 ** rng.uniform(-6, 1))),
        ("logistic", float(10 ** rng.uniform(-4, 1))),
        "nearest_mean",
        ("knn", int(rng.integers(1, 6))),
    ]
    options: dict[str, Any] = {
        "fresh": True,
        "head": heads[rng.integers(len(heads))],
        "num_classes": K if rng.random() < 0.8 else None,
        "normalize": None if normalize == "none" else str(normalize),
        "radius": float(rng.choice([0.1, 0.5, 1.0, 2.0, 7.0])),
        "residual": str(rng.choice(["mean", "frobenius"])),
        "constants": str(rng.choice(["printed", "counted"])),
        "holdout": None if rng.random() < 0.6 else float(rng.uniform(0.05, 0.95)),
        "class_prior": population.prior if rng.random() < 0.5 else None,
        "function_class": None if rng.random() < 0.8 else int(10 ** rng.uniform(0, 6)),
        "simultaneous": bool(rng.random() < 0.15),
        "seed": int(rng.integers(2**31)),
        "options": {
            "negatives": int(rng.choice([1, 1, 2, 5, 30])),
            "temperature": float(rng.choice([1.0, 0.1, 0.5, 3.0])),
            "top_k": int(rng.integers(1, K + 1)),
            "target": float(rng.choice([0.02, 0.1, 0.3])),
        },
        "declared": {
            "repeats": "keep" if rng.random() < 0.6 else None,
            "looks": int(rng.choice([1, 1, 1, 3])),
        },
        "pairs": "augmentation" if pairs == "views" else "class",
    }
    options["options"] |= small_options(np.random.default_rng([seed, 28]))
    n, m, N = size(rng, 2000), size(rng, 2000), 0 if rng.random() < 0.2 else size(rng, 2000)
    leaks = 0 if rng.random() < 0.7 else size(rng, 200)
    if leaks:
        options["declared"]["repeats"] = None
    return Case(population, pairs, n, m, N, leaks, options)


def drawn(case: Case, seed: int) -> tuple[dict[str, Any], Any]:
    """The data of one world, ready for `bounds.evaluate`, and the law of its pairs."""
    rng = np.random.default_rng([seed, 27])
    population, nothing = case.population, np.zeros(0, np.int64)
    x, y = population.points.numpy(), population.labels

    def items(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return x[rows], y[rows]

    S = draws.independent(population, case.n, rng)
    data: dict[str, Any] = {"labeled": items(S), "unlabeled": None, "test": None}
    law = draws.view_pairs if case.pairs == "views" else draws.class_pairs
    if case.pairs in ("class", "views"):
        first, second = law(population, case.m, rng, nothing)
        data["unlabeled"] = (x[first], x[second], y[first])
        if rng.random() < 0.3:
            data["unlabeled"] = data["unlabeled"][:2]
    elif case.pairs == "pool":
        data["unlabeled"] = items(draws.independent(population, 2 * case.m, rng))
    if case.N:
        T = draws.independent(population, case.N, rng)
        leaked = rng.choice(S, size=case.leaks)  # copies of labeled rows beside the fresh ones
        data["test"] = items(rng.permutation(np.concatenate([T, leaked])))
    return data, law


class Widened:
    """A head that knows fewer classes than there are: a class it has never met gets the score `fill`."""

    def __init__(self, head: Any, K: int, fill: float) -> None:
        self.head, self.K, self.fill = head, K, fill

    def __call__(self, z: torch.Tensor) -> torch.Tensor:
        scores = self.head(z)
        return torch.nn.functional.pad(scores, (0, self.K - scores.shape[1]), value=self.fill)


def truth_of(bound: Bound, sample: Sample, K: int, negatives: int) -> float | None:
    """The true value of what a bound speaks about, or None where it has no exact one."""
    head = decision = None
    if bound.model is not None:
        decision = bound.model.decision
        head = Widened(bound.model.head, K, 0.0 if "loss" in bound.axis.name else -math.inf)
        if decision.noise is not None:
            return gibbs_error(head, decision.noise, sample)
    values = {"negatives": negatives, **bound.symbols}
    found = SimpleNamespace(head=head, values=values, axis=bound.axis, decision=decision)
    try:
        return target(THEOREMS[bound.name])(found, sample)  # type: ignore[arg-type]
    except NotApplicable:
        return None


def gibbs_error(head: Any, noise: torch.Tensor, sample: Sample) -> float:
    """P(the class does not score strictly most) where N(0, ‖Bz‖²) is added to each score, by Gauss-Hermite quadrature."""
    scores = head(sample.z)
    spread = torch.linalg.vector_norm(sample.z @ noise.T, dim=1, keepdim=True).clamp_min(1e-300)
    lead = (scores.gather(1, sample.labels[:, None]) - scores) / spread
    lead.scatter_(1, sample.labels[:, None], math.inf)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    right = torch.zeros(len(lead), dtype=torch.float64)
    for t, weight in zip(nodes, weights / math.sqrt(2 * math.pi), strict=True):
        right += weight * torch.special.ndtr(lead + t).prod(1)
    return sample.mean(1 - right)


@dataclass(frozen=True)
class Outcome:
    """One certified bound beside its truth; `ratio` is truth over bound, or the inverse for a bound from below."""

    name: str
    ratio: float
    failed: bool
    words: str


def outcomes(seed: int, delta: float) -> list[Outcome] | str:
    """Every certified bound of world `seed` whose truth is known; the kind of error where the data are refused."""
    case = case_of(seed)
    data, law = drawn(case, seed)
    try:
        report = bounds.evaluate(
            None, data["labeled"], data["unlabeled"], test=data["test"], delta=delta, **case.options
        )
    except BoundsError as refusal:
        return type(refusal).__name__
    population = case.population
    K, nothing = population.num_classes, np.zeros(0, np.int64)
    sample = Sample(
        report.evidence,  # type: ignore[arg-type]
        Normalization(case.options["normalize"], case.options["radius"])(population.points),
        torch.from_numpy(population.labels),
        torch.from_numpy(population.weights),
        torch.from_numpy(population.images),
        lambda count: law(population, count, np.random.default_rng(0), nothing),
        {},
    )
    found = []
    for name, bound in [*report.bounds.items(), *([("best", report.best)] if report.best else [])]:
        if not bound.certified:
            continue
        truth = truth_of(bound, sample, K, case.options["options"]["negatives"])
        if truth is None:
            continue
        low, high = (bound.value, truth) if bound.name in BELOW else (truth, bound.value)
        failed = not low <= high + _SLACK * max(1.0, abs(high))
        words = (
            f"world {seed}, δ = {delta:g}: `{name}` ({bound.name}) says {bound.value!r}, the truth is {truth!r}; "
            f"K = {K}, pairs {case.pairs}, n = {case.n}, m = {case.m}, N = {case.N} + {case.leaks}, {case.options}"
        )
        found.append(Outcome(name, low / high if high > 0 else float(low > high), failed, words))
    return found


def world(seed: int) -> tuple[list[Outcome] | str, list[Outcome] | str]:
    """The outcomes of world `seed` at both levels."""
    torch.set_num_threads(1)
    return outcomes(seed, RARE), outcomes(seed, OFTEN)


def summary(results: list[tuple[list[Outcome] | str, list[Outcome] | str]]) -> dict[str, Any]:
    """Counts per bound; `bugs` lists failures at RARE, and bounds that fail more often than OFTEN allows."""
    table: dict[str, dict[str, Any]] = {}
    refused: Counter[str] = Counter()
    bugs = []
    for level, of_level in ((RARE, [one[0] for one in results]), (OFTEN, [one[1] for one in results])):
        for found in of_level:
            if isinstance(found, str):
                refused[found] += level == RARE
                continue
            for one in found:
                row = table.setdefault(one.name, {}).setdefault(
                    f"delta={level:g}", {"certified": 0, "below_truth": 0, "closest": 0.0}
                )
                row["certified"] += 1
                row["below_truth"] += one.failed
                row["closest"] = max(row["closest"], round(one.ratio, 4))
                if one.failed and level == RARE:
                    bugs.append(one.words)
    for name, rows in table.items():
        row = rows.get(f"delta={OFTEN:g}", {"certified": 0, "below_truth": 0})
        if row["below_truth"] > binom.ppf(1 - 1e-5, row["certified"], OFTEN):
            bugs.append(
                f"`{name}` failed in {row['below_truth']} of {row['certified']} worlds at δ = {OFTEN:g}"
            )
    return {
        "worlds": len(results),
        "refused": dict(refused),
        "bounds": dict(sorted(table.items())),
        "bugs": bugs,
    }


def main() -> int:
    """Run the worlds, print what was found, and save it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first world")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    start = time.perf_counter()
    with ProcessPoolExecutor(chosen.processes, mp_context=get_context("spawn")) as pool:
        seeds = range(chosen.first, chosen.first + chosen.worlds)
        results = []
        for result in pool.map(world, seeds, chunksize=10):
            results.append(result)
            if len(results) % 50 == 0:
                so_far = summary(results)
                print(
                    f"{len(results)} worlds in {time.perf_counter() - start:.0f} s, {len(so_far['bugs'])} bugs",
                    *so_far["bugs"],
                    sep="\n",
                    file=sys.stderr,
                    flush=True,
                )
    found = summary(results)
    record = {
        "first": chosen.first,
        **found,
        "bounds_version": bounds.__version__,
        "numpy": np.__version__,
        "torch": torch.__version__,
        "seconds": round(time.perf_counter() - start),
    }
    print("\n".join(found["bugs"]) or f"{chosen.worlds} worlds, no certified bound was refuted")
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return 1 if found["bugs"] else 0


if __name__ == "__main__":
    sys.exit(main())
