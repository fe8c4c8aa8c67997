"""A1 refuted: partners of a pair lie closer than partners exchanged within the class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bounds.arguments import checked
from bounds.assumptions.assumption import AssumptionTest
from bounds.draws import permutation
from bounds.errors import InvalidOption
from bounds.representations.arrays import as_table
from bounds.representations.table import Representations
from bounds.summaries.units import moderate_unit

NULL = "A1, or A3 or the pairs' classes: views independent given the class, encoder fixed before these pairs"
_STREAM, _NEAREST_STREAM = 31, 32
_MOST, _BLOCK = 2000, 256


@checked()
def swap_test(
    x1: Any, x2: Any, y: Any = None, *, num_classes: int | None = None, seed: int = 0
) -> AssumptionTest:
    r"""Are these pairs class pairs: independent given their class, in representation space?

    With classes, the pairs of each class are matched into disjoint couples (i, j) by the seed alone, and
    :math:`\langle z_i^+-z_j^+,\ z_i^{++}-z_j^{++}\rangle` is positive where own partners lie closer than exchanged ones.
    Under the null its non-zero signs are independent and fair: exact binomial p-value. Without classes, C is the number
    of pairs whose second view is strictly the nearest of all second views to the first; with at most K classes
    :math:`p = \min_h K^h/(C(C-1)\cdots(C-h+1))`, on at most 2,000 pairs.

    Args:
        x1, x2: Representations of the first and second views, (m, d).
        y: True class of each pair, integers (m,); never classes inferred from one of the views.
        num_classes: K; required without `y`.
        seed: Of the matching, and of the choice of pairs.

    Returns:
        The null is A1 and an encoder fixed before these pairs and no item in two pairs and true classes. The effect is a
        size of dependence, not of any bound's error: k/N′ − ½ with classes, C/m without.

    Raises:
        InvalidOption: neither `y` nor `num_classes`.
        InvalidData: shapes that do not fit, or NaN.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 8))
        >>> bounds.swap_test(x, x + 0.1 * rng.normal(size=x.shape), np.zeros(200, int), num_classes=1).refuted
        True
    """
    table = as_table((x1, x2) if y is None else (x1, x2, y), "x1, x2, y", pairs=True)
    if table.labels is not None:
        return swapped(table, seed)
    if num_classes is None:
        raise InvalidOption(
            "`swap_test` without the classes `y` of the pairs needs `num_classes`; give one of them."
        )
    return nearest(table, num_classes, seed)


def swapped(table: Representations, seed: int) -> AssumptionTest:
    """The test with the classes of the pairs, in one pass over them."""
    left, right = couples(table.labels if table.labels is not None else np.zeros(0, np.int64), seed)
    positive = negative = 0
    for (a1, a2), (b1, b2) in zip(
        (views for views, _ in table.chunks(items=left)),
        (views for views, _ in table.chunks(items=right)),
        strict=True,
    ):
        products = (_directed(a1 - b1) * _directed(a2 - b2)).sum(1)
        positive += int((products > 0).sum())
        negative += int((products < 0).sum())
    signs = positive + negative
    return AssumptionTest(
        "swap test",
        NULL,
        binomial_tail(positive, signs),
        positive / signs - 0.5 if signs else 0.0,
        {"m": table.count, "signs": signs, "own partner closer": positive},
        0.5**signs,
    )


def _directed(rows: torch.Tensor) -> torch.Tensor:
    """Each row by a power of two of its own: products keep their sign, and neither over- nor underflow."""
    _, exponent = torch.frexp(rows.double().abs().amax(1, keepdim=True))
    return torch.ldexp(rows.double(), -exponent.clamp_min(-1000))


def couples(labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Disjoint couples of pairs of one class, by the seed alone."""
    order = permutation(seed, len(labels), _STREAM)
    grouped = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels) if len(labels) else np.zeros(0, np.int64)
    rank = np.arange(len(grouped)) - (np.cumsum(counts) - counts)[labels[grouped]]
    used = rank < (counts // 2 * 2)[labels[grouped]]
    return grouped[used & (rank % 2 == 0)], grouped[used & (rank % 2 == 1)]


def nearest(table: Representations, num_classes: int, seed: int) -> AssumptionTest:
    """The test without the classes of the pairs."""
    items = np.sort(permutation(seed, table.count, _NEAREST_STREAM)[:_MOST])
    first, second = (
        torch.cat(views) for views in zip(*(chunk for chunk, _ in table.chunks(items=items)), strict=True)
    )
    unit, hits = moderate_unit(first, second), 0
    first, second = first / unit, second / unit
    for start in range(0, len(items), _BLOCK):
        # No products of large matrices: their rounding would break the ties of equal views.
        apart = torch.cdist(
            first[start : start + _BLOCK], second, compute_mode="donot_use_mm_for_euclid_dist"
        )
        rows = torch.arange(len(apart))
        own = apart[rows, start + rows].clone()
        apart[rows, start + rows] = math.inf
        hits += int((own < apart.amin(1)).sum()) if len(items) > 1 else 0
    size = len(items)
    return AssumptionTest(
        "nearest partner",
        NULL + f", at most {num_classes} classes",
        factorial_tail(hits, num_classes),
        hits / size,
        {"m": size, "nearest": hits, "K": num_classes},
        factorial_tail(size, num_classes),
    )


def binomial_tail(successes: int, trials: int) -> float:
    """P(Bin(N, ½) ≥ k), rounded up."""
    from scipy.stats import binom

    return min(1.0, float(binom.sf(successes - 1, trials, 0.5)) * (1 + 1e-9)) if successes else 1.0


def factorial_tail(hits: int, classes: int) -> float:
    """Min over h of K^h/(C(C−1)…(C−h+1)), at most 1: Markov's inequality for the factorial moments, by E(C)_h ≤ K^h."""
    steps = np.log(classes) - np.log(np.arange(hits, 0, -1))
    return min(1.0, math.exp(min(0.0, float(np.cumsum(steps).min(initial=0.0)))) * (1 + 1e-9))
