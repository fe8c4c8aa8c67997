"""InfoNCE over batches: how far one item moves the mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.contrastive import log_plus_exp, negatives, span, temperature
from bounds.derivations.infonce import loss_range
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Step


@cache
def bounded_difference() -> Step:
    """One item of three moves the sum of the losses by at most its own range plus k ln((k + e^{r/t})/(k + 1))."""
    moved = sp.Symbol("change_of_sum", nonnegative=True)
    others = negatives * (log_plus_exp(negatives, span / temperature) - sp.log(negatives + 1))
    statement = sp.Le(moved, loss_range(exact=True) + others, evaluate=False)

    def losses(scores: Array) -> Array:
        diagonal = np.einsum("nii->ni", scores)
        total: Array = (np.logaddexp.reduce(scores, axis=2) - diagonal).sum(1)
        return total

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        ratio = 0.1 + np.abs(np.clip(x[:, 0], -6, 6))
        scores = (ratio[:, None] * (1 + np.tanh(2 * x[:, 1:10])) / 2).reshape(-1, 3, 3)
        other = scores.copy()
        # Item 0 is the anchor of its row, and a negative in its column.
        other[:, 0, :] = ratio[:, None] * (1 + np.tanh(2 * x[:, 10:13])) / 2
        other[:, 1:, 0] = ratio[:, None] * (1 + np.tanh(2 * x[:, 13:15])) / 2
        ones = np.ones(len(x))
        return {
            moved: np.abs(losses(scores) - losses(other)),
            span: ratio,
            temperature: ones,
            negatives: 2 * ones,
        }

    # Scores at the ends of their range that move every loss the same way.
    low, high = -30.0, 30.0
    tight = np.array([[1.0, low, high, high, high, low, low, high, low, low, high, low, low, low, low]])
    return Step(
        "one item moves the sum",
        statement,
        "its own loss by its range; each other loss by one of k + 1 terms",
        "falsification",
        lambda: falsify(statement, instances, 15, extremal=tight),
        source="van Elst and Ghoshdastidar (2024), Theorem 2",
    )
