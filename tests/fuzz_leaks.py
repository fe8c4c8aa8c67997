"""Data that somebody spoils who knows everything, on populations of known truth: a certified bound below it is a bug.

    python -m tests.fuzz_leaks --worlds 400

Labels are pure noise in half of the worlds: there every head errs on 1 − 1/K of new items at least, whatever it was fitted
on. In the others the classes lie apart, a share of the labels is flipped, and the error is measured on many new items.
Rows leak, repeat, are copied up to rounding or under another label, in S, in T, in U and among the pairs; the
population itself has no atoms.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

import bounds
from bounds.errors import BoundsError
from bounds.representations.normalization import Normalization
from bounds.summaries.decision import decide
from bounds.theorems.bound import Bound

RARE = 1e-6
NEAR = 1e-5  # of a row's length: what an encoder's rounding comes to
NEW = 20_000
LENGTH_ONE = Normalization("l2", 1.0)  # as `evaluate` does by default
HEADS: list[Any] = [
    "min_norm",
    "min_norm",
    ("ridge", 0.1),
    ("logistic", 1e-3),
    ("knn", 1),
    ("knn", 5),
    "nearest_mean",
]
Rows = tuple[np.ndarray, np.ndarray]


@dataclass
class Data:
    """What `bounds.evaluate` is given, the head as it would be without any harm, and what was done."""

    labeled: Rows
    pairs: tuple[np.ndarray, np.ndarray, np.ndarray]
    test: Rows
    named: Callable[[np.ndarray], np.ndarray]
    rng: np.random.Generator


def near(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same rows up to rounding."""
    step = rng.normal(size=x.shape)
    size = NEAR * np.linalg.norm(x, axis=1, keepdims=True)
    return x + size * step / np.linalg.norm(step, axis=1, keepdims=True)


def joined(rows: Rows, more: Rows) -> Rows:
    """More rows among rows, in any order."""
    return np.concatenate([rows[0], more[0]]), np.concatenate([rows[1], more[1]])


def some(data: Data, rows: Rows) -> Rows:
    """A few of the rows, or most of them."""
    chosen = data.rng.choice(len(rows[1]), max(1, int(len(rows[1]) * data.rng.uniform(0.01, 0.9))))
    return rows[0][chosen], rows[1][chosen]


def leak(data: Data) -> None:
    data.test = joined(data.test, some(data, data.labeled))


def leak_nearly(data: Data) -> None:
    x, y = some(data, data.labeled)
    data.test = joined(data.test, (near(x, data.rng), y))


def test_on_training_rows(data: Data) -> None:
    data.test = some(data, data.labeled)


def replace_mistakes(data: Data) -> None:
    """Every test item that the head gets wrong becomes a row that it was fitted on."""
    x, y = (part.copy() for part in data.test)
    wrong = np.flatnonzero(data.named(x) != y)
    source = data.rng.integers(0, len(data.labeled[1]), len(wrong))
    x[wrong], y[wrong] = data.labeled[0][source], data.labeled[1][source]
    data.test = (x, y)


def repeat_right_rows(data: Data) -> None:
    x, y = data.test
    right = np.flatnonzero(data.named(x) == y)
    data.test = joined(data.test, (np.repeat(x[right], 5, 0), np.repeat(y[right], 5)))


def near_copies_before_mistakes(data: Data) -> None:
    """Each mistake gets near copies under the label that the head gives, in front of it."""
    x, y = data.test
    wrong = np.flatnonzero(data.named(x) != y)
    copies = near(np.repeat(x[wrong], 3, 0), data.rng)
    data.test = (np.concatenate([copies, x]), np.concatenate([data.named(copies), y]))


def relabelled_copies(data: Data) -> None:
    x, y = data.test
    wrong = np.repeat(np.flatnonzero(data.named(x) != y), 4)
    data.test = joined(data.test, (x[wrong], data.named(x[wrong])))


def train_on_test_rows(data: Data) -> None:
    """The test items that the head gets wrong join the labeled ones."""
    x, y = data.test
    wrong = np.flatnonzero(data.named(x) != y)
    data.labeled = joined(data.labeled, (x[wrong], y[wrong]))


def repeat_labeled(data: Data) -> None:
    x, y = data.labeled
    order = data.rng.permutation(len(y) * 5)
    data.labeled = (np.repeat(x, 5, 0)[order], np.repeat(y, 5)[order])


def repeat_labeled_nearly(data: Data) -> None:
    x, y = data.labeled
    data.labeled = joined(data.labeled, (near(np.repeat(x, 4, 0), data.rng), np.repeat(y, 4)))


def pairs_of_labeled(data: Data) -> None:
    """Both views of a pair are labeled items of one class."""
    x, y = data.labeled
    order = data.rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    a, b = order[:-1:2], order[1::2]
    same = y[a] == y[b]
    if same.any():
        data.pairs = (x[a[same]], x[b[same]], y[a[same]])


def labeled_among_the_pairs(data: Data) -> None:
    x1, x2, y = (part.copy() for part in data.pairs)
    for k, (x, own) in enumerate(zip(*data.labeled, strict=True)):
        if k < len(y) // 2:
            x1[k], y[k] = x, own
    data.pairs = (x1, x2, y)


def one_item_twice_as_a_pair(data: Data) -> None:
    x1, _, y = data.pairs
    data.pairs = (x1, near(x1, data.rng), y)


def repeat_pairs(data: Data) -> None:
    x1, x2, y = data.pairs
    few = data.rng.integers(0, max(1, len(y) // 10), len(y))
    data.pairs = (x1[few], x2[few], y[few])


SPOILS = [
    leak,
    leak_nearly,
    test_on_training_rows,
    replace_mistakes,
    repeat_right_rows,
    near_copies_before_mistakes,
    relabelled_copies,
    train_on_test_rows,
    repeat_labeled,
    repeat_labeled_nearly,
    pairs_of_labeled,
    labeled_among_the_pairs,
    one_item_twice_as_a_pair,
    repeat_pairs,
]
# Two that together leave the statement: copies of a row that was itself replaced are not seen.
APART = {replace_mistakes, relabelled_copies, near_copies_before_mistakes, test_on_training_rows}


def outcomes(seed: int, delta: float = RARE) -> tuple[list[tuple[Bound, float]], str] | str:
    """Every certified bound of world `seed` with the least that its true value can be; the kind of error if refused."""
    rng = np.random.default_rng([seed, 17])
    K, d = int(rng.integers(2, 6)), int(rng.choice([2, 8, 40, 400]))
    noise = rng.random() < 0.5
    flipped = 1.0 if noise else float(rng.choice([0.0, 0.1, 0.4]))
    centres = rng.normal(size=(K, d)) * rng.choice([0.5, 2.0])

    def drawn(count: int, y: np.ndarray | None = None) -> Rows:
        own = rng.integers(0, K, count) if y is None else y
        place = np.where(rng.random(count) < flipped, rng.integers(0, K, count), own)
        return centres[place] + rng.normal(size=(count, d)), own

    n, m, N = (int(math.exp(rng.uniform(math.log(40), math.log(600)))) for _ in range(3))
    first = drawn(m)
    head = HEADS[rng.integers(len(HEADS))]
    labeled, test = drawn(n), drawn(N)
    options: dict[str, Any] = {
        "pairs": "class",
        "num_classes": K,
        "class_prior": "balanced",
        "head": head,
        "fresh": True,
        "delta": delta,
        "progress": False,
    }
    try:
        honest = bounds.evaluate(None, labeled, bounds=["supervised"], **options)
        fitted = honest.evidence.head
        data = Data(
            labeled,
            (first[0], drawn(m, first[1])[0], first[1]),
            test,
            lambda x: decide(fitted(LENGTH_ONE(torch.from_numpy(x)))).numpy(),
            rng,
        )
        chosen = [SPOILS[i] for i in rng.permutation(len(SPOILS))[: int(rng.integers(1, 4))]]
        if len(APART & set(chosen)) > 1:
            chosen = chosen[:1]
        for spoil in chosen:
            spoil(data)
        declared = {"repeats": "drop"} if rng.random() < 0.3 else None
        report = bounds.evaluate(None, data.labeled, data.pairs, test=data.test, declared=declared, **options)
    except BoundsError as refusal:
        return type(refusal).__name__
    words = (
        f"{', '.join(one.__name__ for one in chosen)}; K = {K}, d = {d}, n = {n}, m = {m}, N = {N}, {head}, {declared}, "
        f"flipped {flipped}"
    )
    # Rows chosen by content make S no i.i.d. sample, and nothing shows it: then only the bounds on T promise anything.
    honest_sample = train_on_test_rows not in chosen
    new = drawn(NEW)
    z = LENGTH_ONE(torch.from_numpy(new[0]))
    found = [
        (bound, least)
        for bound in [*report, *([report.best] if report.best else [])]
        if (honest_sample or bound.name.startswith("test_set"))
        and bound.certified
        and (least := _least(bound, K, noise, z, new[1])) is not None
    ]
    return found, words


def _least(bound: Bound, K: int, noise: bool, z: torch.Tensor, y: np.ndarray) -> float | None:
    """What the true value is at least; None where that is not known."""
    name = bound.axis.name
    if noise:
        if name in ("error", "balanced error", "worst-class error"):
            return 1.0 - 1.0 / K
        return math.sqrt(1.0 - 1.0 / K) if name == "loss" else None
    if name != "error" or bound.model is None or bound.model.decision.noise is not None:
        return None
    error = float((decide(bound.model.head(z)).numpy() != y).mean())
    return error - 6.0 * math.sqrt(0.25 / NEW)


def main() -> int:
    """Run the worlds and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    began, bugs = time.monotonic(), 0
    certified: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for seed in range(chosen.first, chosen.first + chosen.worlds):
        result = outcomes(seed)
        if isinstance(result, str):
            refused[result] += 1
            continue
        for bound, least in result[0]:
            certified[bound.name] += 1
            if bound.value < least - 1e-9:
                bugs += 1
                print(
                    f"world {seed}: {bound.name} says {bound.value:.4f}, truth at least {least:.4f}; {result[1]}"
                )
        if seed % 25 == 24:
            print(f"{seed + 1} in {time.monotonic() - began:.0f} s, {bugs} bugs", flush=True)
    print(f"{chosen.worlds} worlds, {certified.total()} certificates, {bugs} below the truth")
    print(dict(certified), dict(refused))
    return 1 if bugs else 0


if __name__ == "__main__":
    sys.exit(main())
