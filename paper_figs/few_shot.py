"""Few-shot error on real images, and how often limits fail in worlds where the truth is known.

    python paper_figs/few_shot.py [--runs 2000] [--worlds] [--out paper_figs/results]

Real images: CIFAR-10 by the embedded VICReg representations, 10,000 labels; digits by the embedded VICReg encoder, 500.
For 1, 5 and 20 shots the mean over disjoint episodes, the usual interval's upper end, the certified limit (those of 1, 5
and 20 shots hold together at δ = 0.05) and the prediction from moments -> few_shot.csv.
Worlds: violations of `few_shot`, of the usual interval and of `pick_to_learn` in `--runs` samples each, with the exact
Clopper-Pearson interval of the rate -> few_shot_worlds.csv, saved after each world; a second start goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
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
    """Round Gaussian classes around scaled corners; a share of labels names another class."""

    name: str
    classes: int
    dim: int
    distance: float
    noise: float = 0.0

    @property
    def means(self) -> Floats:
        """(K, d), equally far apart."""
        return np.eye(self.classes, self.dim) * self.distance / 2**0.5

    def rows(self, labels: Labels, rng: np.random.Generator) -> Floats:
        """Rows given their labels; flips are symmetric, so labels are uniform with and without them."""
        flipped = (labels + rng.integers(1, self.classes, size=labels.shape)) % self.classes
        clean = np.where(rng.random(labels.shape) < self.noise, flipped, labels)
        return rng.normal(size=(*labels.shape, self.dim)) + self.means[clean]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
        """Rows and labels, i.i.d."""
        labels = rng.integers(self.classes, size=n)
        return self.rows(labels, rng), labels


POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 1.0]])
POINT_LABELS = np.array([0, 0, 0, 1, 1])
SMALL_ERRORS = {1: 1 / 18, 2: 1 / 54, 3: 1 / 162}


def few_points(n: int, rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Two classes over three and two points, n items a class."""
    rows = np.concatenate([rng.integers(0, 3, n), rng.integers(3, 5, n)])
    return POINTS[rows], POINT_LABELS[rows]


def few_shot_truth(world: Gaussian, shots: int, episodes: int = 200_000) -> float:
    """Error of the nearest class mean by fresh episodes; their standard deviation is below ½."""
    rng, rule, total, block = np.random.default_rng(1), Mean(), 0.0, 2000
    shape = block, world.classes, shots + 1
    labels = np.broadcast_to(np.arange(world.classes)[:, None], shape)
    index = torch.arange(labels.size).view(shape)
    for _ in range(episodes // block):
        z = torch.from_numpy(world.rows(labels, rng)).flatten(0, 2)
        total += float(share_of_errors(rule, rule.prepare(z), index, "all", None).sum())
    return total / (episodes // block * block)


OVERLAPPING = Gaussian("three overlapping classes", 3, 10, 2.0)
NOISY = Gaussian("20 % label noise", 3, 10, 4.0, 0.2)
EPISODES: tuple[tuple[Gaussian | None, int], ...] = (
    (None, 1), (None, 2), (OVERLAPPING, 1), (OVERLAPPING, 5), (NOISY, 5),
)  # fmt: skip
PICKS = tuple(
    (world, share, batch)
    for world in (
        Gaussian("separable", 2, 5, 7.0),
        Gaussian("overlapping", 2, 5, 2.0),
        Gaussian("20 % label noise", 2, 5, 4.0, 0.2),
    )
    for share, batch in ((0.0, 10), (0.5, 5))
)


def few_shot_world(world: Gaussian | None, shots: int) -> str:
    """Its name; None is the world of few points."""
    return f"{world.name if world else 'few points'}, {shots} shots"


def few_shot_runs(
    world: Gaussian | None, shots: int, runs: int, episodes: int = 200_000
) -> list[dict[str, object]]:
    """How often the certified limit, and the usual interval's upper end, lie below the truth."""
    classes, n, draw = (world.classes, 200, world.draw) if world else (2, 40, few_points)
    truth = few_shot_truth(world, shots, episodes) if world else SMALL_ERRORS[shots]
    limits: dict[str, list[float]] = {"few_shot": [], "usual interval": []}
    for run in range(runs):
        x, y = draw(n, np.random.default_rng([run, shots, n]))
        z = torch.from_numpy(x)
        errors = episode_errors(z, y, classes, shots, permutations=4, seed=run)
        limits["few_shot"].append(constant_stakes_upper(errors, DELTA))
        limits["usual interval"].append(usual_upper(z, y, classes, shots, seed=run))
    truths = np.full(runs, truth)
    name = few_shot_world(world, shots)
    return [_row(name, limit, truths, np.array(found)) for limit, found in limits.items()]


def pick_world(world: Gaussian, share: float) -> str:
    """Its name."""
    return f"{world.name}, prior share {share:g}"


def pick_runs(world: Gaussian, share: float, batch: int, runs: int, n: int = 200) -> list[dict[str, object]]:
    """How often the limit lies below the head's own error, which is in closed form between two classes."""
    from scipy.stats import norm

    truths, limits = np.empty(runs), np.empty(runs)
    prior = np.arange(n) < share * n
    for run in range(runs):
        x, y = world.draw(n, np.random.default_rng([run, n]))
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
        offset = 0.0 if found.head.bias is None else float(found.head.bias[0] - found.head.bias[1])
        sides = (world.means @ weight + offset) * np.array([1, -1]) / max(np.linalg.norm(weight), 1e-300)
        clean = float(norm.cdf(-sides).mean())
        truths[run] = (1 - world.noise) * clean + world.noise * (1 - clean)
        limits[run] = _picked_limit(len(found.rows), int((~prior).sum()), DELTA)
    return [_row(pick_world(world, share), "pick_to_learn", truths, limits)]


_picked_limit = cache(picked_limit)


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
            yield _row(few_shot_world(None, m), name, np.array([truth]), np.array([value]))


def _row(world: str, limit: str, truths: Floats, limits: Floats) -> dict[str, object]:
    runs, below = len(truths), int((limits < truths).sum())
    return {
        "world": world,
        "limit": limit,
        "runs": runs,
        "below_the_truth": below,
        "rate": below / runs,
        "lower": clopper_pearson_lower(below, runs, 0.025) if runs > 1 else np.nan,
        "upper": clopper_pearson_upper(below, runs, 0.025) if runs > 1 else np.nan,
        "mean_truth": truths.mean(),
        "mean_limit": limits.mean(),
    }


def worlds(runs: int, out: Path) -> None:
    """A row for each world and limit, saved after each world; worlds that were saved with as many runs are kept."""
    saved = out / "few_shot_worlds.csv"
    before = pd.read_csv(saved, comment="#").to_dict("records") if saved.exists() else []
    jobs = [(few_shot_world(*one), partial(few_shot_runs, *one, runs)) for one in EPISODES]
    jobs += [(pick_world(*one[:2]), partial(pick_runs, *one, runs)) for one in PICKS]
    rows = list(moment_rows())
    for name, job in jobs:
        found = [row for row in before if row["world"] == name and row["runs"] == runs] or job()
        rows += found
        # What comes later stays in the file until it is made anew.
        names = {row["world"] for row in rows}
        later = [row for row in before if row["runs"] == runs and row["world"] not in names]
        style.write_csv(
            pd.DataFrame(rows + later), "few_shot_worlds", out, style.provenance(delta=DELTA, runs=runs)
        )
        print(name, *(f"{row['limit']} {row['rate']:.4f}" for row in found), flush=True)


def main() -> None:
    """Both tables."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--runs", type=int, default=2000)
    made.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    made.add_argument("--worlds", action="store_true", help="leave the real images alone")
    given = made.parse_args()
    torch.set_num_threads(1)
    if not given.worlds:
        style.write_csv(
            pd.DataFrame(list(real())), "few_shot", given.out, style.provenance(delta=DELTA, shots=SHOTS)
        )
    worlds(given.runs, given.out)


if __name__ == "__main__":
    main()
