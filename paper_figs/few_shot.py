"""Few-shot error on real images, and how often limits fail in worlds where the truth is known.

    python paper_figs/few_shot.py [--runs 2000] [--out paper_figs/results]

Real images: CIFAR-10 by the embedded VICReg representations, 10,000 labels; digits by the embedded VICReg encoder, 500.
For 1, 5 and 20 shots the mean over disjoint episodes, the usual interval's upper end, the certified limit (those of 1, 5
and 20 shots hold together at δ = 0.05) and the prediction from moments -> few_shot.csv.
Worlds: violations of `few_shot`, of the usual interval and of `pick_to_learn` in `--runs` samples each, with the exact
Clopper-Pearson interval of the rate -> few_shot_worlds.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import style
import torch
from numpy.typing import NDArray

import bounds
from bounds.draws import uniforms
from bounds.examples.cifar10 import cifar10
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.heads.picked import pick
from bounds.summaries.class_shapes import ClassShapes, cantelli, conditional, printed
from bounds.summaries.constant_stakes import constant_stakes_upper
from bounds.summaries.episodes import episode_errors, share_of_errors, usual_upper
from bounds.summaries.few_shot_rules import Mean
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper
from bounds.summaries.picks import picked_limit

SHOTS = (1, 5, 20)
DELTA = 0.05
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Draw = Callable[[int, np.random.Generator], tuple[Floats, Labels]]


def pools() -> Iterator[tuple[str, Floats, Labels]]:
    """Name, representations and labels, none of which the encoder saw."""
    x, y = cifar10("VICReg").labeled
    yield "CIFAR-10, VICReg", x.astype(np.float64), y
    images, labels = digits().labeled
    report = bounds.evaluate(
        CHECKPOINTS["VICReg"], (images, labels), normalize=None, bounds=["few_shot"], progress=False
    )
    if report.evidence is not None:
        yield "digits, VICReg", torch.cat([z for z, _ in report.evidence.labeled_chunks()]).numpy(), labels


def real() -> Iterator[dict[str, object]]:
    """A row for each data set, ways and number of shots; the limits of one data set and ways hold together."""
    for name, x, y in pools():
        for ways in ("all", "pairs"):
            curve = bounds.few_shot(
                x, y, shots=SHOTS, ways=ways, fresh=True, declared={"repeats": "keep"}, delta=DELTA
            )
            for shots, row in curve.to_frame().iterrows():
                yield {"data": name, "labels": len(y), "ways": ways, "shots": shots, **row.to_dict()}


# Worlds


@dataclass(frozen=True)
class Gaussian:
    """Round Gaussian classes around scaled corners; a share of labels is drawn anew."""

    name: str
    classes: int
    dim: int
    distance: float
    noise: float = 0.0

    @property
    def means(self) -> Floats:
        """(K, d), equally far apart."""
        return np.eye(self.classes, self.dim) * self.distance / 2**0.5

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
        """Rows and labels; flipped labels name another class."""
        clean = rng.integers(self.classes, size=n)
        x = rng.normal(size=(n, self.dim)) + self.means[clean]
        flipped = (clean + rng.integers(1, self.classes, size=n)) % self.classes
        return x, np.where(rng.random(n) < self.noise, flipped, clean)


POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 1.0]])
POINT_LABELS = np.array([0, 0, 0, 1, 1])
SMALL_ERRORS = {1: 1 / 18, 2: 1 / 54, 3: 1 / 162}


def few_points(n: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Two classes over three and two points, n items a class."""
    rows = np.concatenate([rng.integers(0, 3, n), rng.integers(3, 5, n)])
    return POINTS[rows], POINT_LABELS[rows]


def few_shot_truth(draw: Draw, K: int, shots: int) -> float:
    """By 200,000 fresh episodes."""
    rng, total, blocks = np.random.default_rng(1), 0.0, 100
    for _ in range(blocks):
        rows = [_of_class(draw, y, 2000 * (shots + 1), rng) for y in range(K)]
        z = torch.from_numpy(np.concatenate(rows))
        index = np.arange(len(z)).reshape(K, 2000, shots + 1).transpose(1, 0, 2)
        rule = Mean()
        total += float(
            share_of_errors(rule, rule.prepare(z), torch.from_numpy(index.copy()), "all", None).mean()
        )
    return total / blocks


def _of_class(
    draw: Draw,
    y: int,
    count: int,
    rng: np.random.Generator,
) -> Floats:
    found: list[Floats] = []
    have = 0
    while have < count:
        x, labels = draw(4 * count, rng)
        found.append(x[labels == y])
        have += len(found[-1])
    return np.concatenate(found)[:count]


def few_shot_runs(runs: int) -> Iterator[dict[str, object]]:
    """Violations of the certified limit and of the usual interval's upper end."""
    overlapping = Gaussian("three overlapping classes", 3, 10, 2.0)
    noisy = Gaussian("20 % label noise", 3, 10, 4.0, 0.2)
    cases: list[tuple[str, Draw, int, int, int, float]] = [
        (f"few points, {m} shots", few_points, 2, 40, m, SMALL_ERRORS[m]) for m in (1, 2)
    ]
    for world, m in ((overlapping, 1), (overlapping, 5), (noisy, 5)):
        cases.append((f"{world.name}, {m} shots", world.draw, 3, 200, m, few_shot_truth(world.draw, 3, m)))
    for name, draw, K, n, m, truth in cases:
        names = ("few_shot", "usual interval") if draw != few_points else ("few_shot",)
        below, means = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
        for run in range(runs):
            x, y = draw(n, np.random.default_rng([run, m, n]))
            z = torch.from_numpy(x)
            limits = {
                "few_shot": constant_stakes_upper(episode_errors(z, y, K, m, permutations=4, seed=run), DELTA)
            }
            if "usual interval" in below:
                limits["usual interval"] = usual_upper(z, y, K, m, seed=run)
            for key, limit in limits.items():
                below[key] += limit < truth
                means[key] += limit / runs
        for key in below:
            yield _row(name, key, runs, below[key], truth, means[key])


def pick_runs(runs: int, n: int = 200) -> Iterator[dict[str, object]]:
    """Violations of `pick_to_learn`, whose head has an error in closed form between two classes."""
    from scipy.stats import norm

    worlds = (
        Gaussian("separable", 2, 5, 7.0),
        Gaussian("overlapping", 2, 5, 2.0),
        Gaussian("20 % label noise", 2, 5, 4.0, 0.2),
    )
    limit_of = cache(picked_limit)
    for world in worlds:
        for share, batch in ((0.0, 10), (0.5, 5)):
            below, truths, limits = 0, 0.0, 0.0
            for run in range(runs):
                x, y = world.draw(n, np.random.default_rng([run, n]))
                prior = np.arange(n) < share * n
                found = pick(
                    torch.from_numpy(x),
                    torch.from_numpy(y),
                    2,
                    penalty=0.1,
                    batch=batch,
                    prior=prior,
                    ties=uniforms(run, np.arange(n), 9, 1)[:, 0],
                )
                weight = (found.head.weight[0] - found.head.weight[1]).numpy()
                offset = (
                    float(found.head.bias[0] - found.head.bias[1]) if found.head.bias is not None else 0.0
                )
                sides = (
                    (world.means @ weight + offset) * np.array([1, -1]) / max(np.linalg.norm(weight), 1e-300)
                )
                clean = float(norm.cdf(-sides).mean())
                truth = (1 - world.noise) * clean + world.noise * (1 - clean)
                limit = limit_of(len(found.rows), int((~prior).sum()), DELTA)
                below, truths, limits = below + (limit < truth), truths + truth / runs, limits + limit / runs
            yield _row(f"{world.name}, prior share {share:g}", "pick_to_learn", runs, below, truths, limits)


def moment_rows() -> Iterator[dict[str, object]]:
    """The theorem of 2026 and its exact forms with the moments of the small world itself: bounds, in no need of runs."""
    z, y = torch.from_numpy(POINTS), torch.from_numpy(POINT_LABELS)
    weights = torch.tensor([1 / 6] * 3 + [1 / 4] * 2, dtype=torch.float64)
    shapes = ClassShapes.exact(z, y, weights)
    for m, truth in SMALL_ERRORS.items():
        forms = {
            "luthra_2026": sum(printed(shapes, m).values()),
            "luthra_2026_exact": sum(cantelli(shapes, m).values()),
            "luthra_2026_conditional": conditional(z, y, z, y, m, weights=weights, shares=weights),
        }
        for name, value in forms.items():
            yield _row(f"few points, {m} shots", name, 1, int(value < truth), truth, value)


def _row(world: str, limit: str, runs: int, below: int, truth: float, value: float) -> dict[str, object]:
    return {
        "world": world,
        "limit": limit,
        "runs": runs,
        "below_the_truth": below,
        "rate": below / runs,
        "lower": clopper_pearson_lower(below, runs, 0.025) if runs > 1 else np.nan,
        "upper": clopper_pearson_upper(below, runs, 0.025) if runs > 1 else np.nan,
        "mean_truth": truth,
        "mean_limit": value,
    }


def main() -> None:
    """Both tables."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--runs", type=int, default=2000)
    made.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    given = made.parse_args()
    torch.set_num_threads(1)
    style.write_csv(
        pd.DataFrame(list(real())), "few_shot", given.out, style.provenance(delta=DELTA, shots=SHOTS)
    )
    rows: list[dict[str, object]] = []
    origin = style.provenance(delta=DELTA, runs=given.runs)
    for row in chain(moment_rows(), few_shot_runs(given.runs), pick_runs(given.runs)):
        rows.append(row)
        style.write_csv(pd.DataFrame(rows), "few_shot_worlds", given.out, origin)


if __name__ == "__main__":
    main()
