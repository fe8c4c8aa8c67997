"""One law refuted: a head fitted on one half tells the rows of two tables apart on the other half."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.assumptions.assumption import AssumptionTest
from bounds.draws import permutation
from bounds.heads.least_squares import LeastSquares
from bounds.representations.table import Representations
from bounds.summaries.units import moderate_unit

_STREAM, _HALVES = 33, 36
_MOST = 4000  # rows a side
_RIDGE = 1e-3  # in mean squares
Rows = NDArray[np.int64]


def one_law(
    one: Representations,
    other: Representations,
    *,
    views: tuple[int, int] = (0, 0),
    items: tuple[Rows, Rows] | None = None,
    counts: bool = True,
    seed: int = 0,
    name: str = "one law",
) -> AssumptionTest:
    """Do the rows of two tables follow one law?

    In each class (one stratum where a table has no labels) as many rows of either side are drawn by the seed. A
    least-squares head that tells the sides apart is fitted on a random half, stratified by class and side, and
    counted on the other; given how many counted rows of a class it assigns to the first side, how many of those are
    of that side is hypergeometric. The halves change places and twice the smaller upper tail is taken. The class
    counts are compared apart, by K times the smallest two-sided hypergeometric tail; twice the smaller is reported.

    Args:
        one, other: The tables.
        views: Which view of each.
        items: Rows of each that are used; all by default.
        counts: Whether class counts are compared too: not where they were fixed rather than drawn.
        seed: Of the draws.
        name: Of the test.
    """
    rows = items or (np.arange(one.count), np.arange(other.count))
    labeled = one.labels is not None and other.labels is not None
    sides = [
        table.labels[own] if labeled and table.labels is not None else np.zeros(len(own), np.int64)
        for table, own in zip((one, other), rows, strict=True)
    ]
    drawn = _drawn(sides, seed)
    tables = [
        _read(t, v, own[mine]) for t, v, own, mine in zip((one, other), views, rows, drawn, strict=True)
    ]
    unit = moderate_unit(*tables) if len(tables[0]) else 1.0
    tables = [rows / unit for rows in tables]
    labels = sides[0][drawn[0]]  # both sides are drawn class by class, in one order of the classes
    half = _half(labels, seed)
    least, found, right = 1.0, [], 0
    for fitted in (half, ~half):
        counted = ~fitted
        if not fitted.any() or not counted.any():
            continue
        guess = _assigned(tables, fitted, counted)
        p, best = _tail(guess, labels[counted])
        found.append(p)
        least = min(least, best)
        right += int(guess[0].sum() + (~guess[1]).sum())
    p = min(1.0, 2.0 * min(found)) if found else 1.0
    least = min(1.0, 2.0 * least)
    if labeled and counts:
        p = min(1.0, 2.0 * min(p, class_counts(*sides)))
        least = min(1.0, 2.0 * least)
    size = len(labels)
    return AssumptionTest(
        name,
        "rows of both tables follow one law",
        p,
        right / (2 * size) - 0.5 if size else 0.0,
        {"rows a side": size, "told apart": right},
        least,
    )


def crossed_views(pairs: Representations, seed: int = 0) -> AssumptionTest:
    """First against second views: those of one random half of the pairs against those of the other half."""
    order = permutation(seed, pairs.count, _HALVES)
    half = pairs.count // 2
    return one_law(
        pairs,
        pairs,
        views=(0, 1),
        items=(np.sort(order[:half]), np.sort(order[half:])),
        seed=seed,
        name="first against second views",
    )


def class_counts(one: Rows, other: Rows) -> float:
    """K·min_y of exact two-sided hypergeometric tails of the class counts, at most 1."""
    from scipy.stats import hypergeom

    size = int(max(one.max(initial=0), other.max(initial=0))) + 1
    a, b = (np.bincount(side, minlength=size) for side in (one, other))
    law = hypergeom(len(one) + len(other), a + b, len(one))
    tails = 2.0 * np.minimum(law.cdf(a), law.sf(a - 1))
    return float(min(1.0, size * tails.min()))


def _drawn(sides: Sequence[Rows], seed: int) -> tuple[Rows, Rows]:
    """Rows of each side, as many of either in each class, class by class."""
    size = int(max(side.max(initial=0) for side in sides)) + 1
    counts = np.minimum(*(np.bincount(side, minlength=size) for side in sides))
    if counts.sum() > _MOST:
        counts = counts * _MOST // counts.sum()
    found = []
    for stream, side in enumerate(sides):
        order = permutation(seed, len(side), _STREAM + stream)
        grouped = order[np.argsort(side[order], kind="stable")]
        own = np.bincount(side, minlength=size)
        rank = np.arange(len(grouped)) - (np.cumsum(own) - own)[side[grouped]]
        found.append(grouped[rank < counts[side[grouped]]])
    return found[0], found[1]


def _half(labels: Rows, seed: int) -> NDArray[np.bool_]:
    """The fitted half of each class: the rows are in random order within their class already."""
    counts = np.bincount(labels) if len(labels) else np.zeros(0, np.int64)
    rank = np.arange(len(labels)) - (np.cumsum(counts) - counts)[labels]
    found: NDArray[np.bool_] = rank < (counts // 2)[labels]
    return found


def _read(table: Representations, view: int, items: Rows) -> Tensor:
    order = np.argsort(items, kind="stable")
    rows = [views[view] for views, _ in table.chunks(items=items[order])]
    found = torch.empty(len(items), table.dim, dtype=torch.float64)
    if rows:
        found[torch.from_numpy(order)] = torch.cat(rows).cpu()
    return found


def _assigned(
    tables: Sequence[Tensor], fitted: NDArray[np.bool_], counted: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which counted rows of each side the head assigns to the first."""
    squares = LeastSquares.empty(tables[0].shape[1], 2)
    for side, rows in enumerate(tables):
        part = rows[torch.from_numpy(fitted)]
        squares = squares.update(part, torch.full((len(part),), side, dtype=torch.int64))
    unit = squares.mean_square_scale
    head = squares.ridge(_RIDGE * unit if unit > 0 else 1.0, intercept=True)
    scores = [head(rows[torch.from_numpy(counted)]) for rows in tables]
    first, second = ((one[:, 0] > one[:, 1]).numpy() for one in scores)
    return first, second


def _tail(guess: tuple[NDArray[np.bool_], NDArray[np.bool_]], labels: Rows) -> tuple[float, float]:
    """P(Σ X_y ≥ seen), X_y ~ Hypergeometric(2g_y, g_y, c_y) independent; and the least value at these g_y."""
    from scipy.stats import hypergeom

    law, seen, least = np.ones(1), 0, 0.0
    low = 0
    for y in np.unique(labels):
        own = labels == y
        g, x = int(own.sum()), int(guess[0][own].sum())
        c = x + int(guess[1][own].sum())
        bottom, top = max(0, c - g), min(g, c)
        law = np.convolve(law, hypergeom.pmf(np.arange(bottom, top + 1), 2 * g, g, c))
        low, seen = low + bottom, seen + x
        least += float(hypergeom.logpmf(g, 2 * g, g, g))
    return min(1.0, float(law[seen - low :].sum()) + 1e-14), float(np.exp(least))
