"""InfoNCE over batches: how far one item moves the mean, and the moment of a squared deviation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations import van_elst_2024
from bounds.derivations.contrastive import negatives, span, temperature
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Result, Step

size = sp.Symbol("n_items", positive=True)


@cache
def bounded_difference() -> Step:
    """One item of three moves the sum of the losses by at most 2r/t + k ln((k + e^{r/t})/(k + 1))."""
    moved = sp.Symbol("change_of_sum", nonnegative=True)
    statement = sp.Le(moved, van_elst_2024.bounded_difference(), evaluate=False)

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


@cache
def square_moment() -> Step:
    """E e^{2(n − 1)Δ²} ≤ 2n where P(|Δ| ≥ x) ≤ 2e^{−2nx²}."""
    moment = sp.Symbol("E_exp_square", positive=True)
    statement = sp.Le(moment, 2 * size, evaluate=False)

    def check() -> Result:
        more, level = sp.symbols("n_more u", positive=True)
        # P(e^{2(n-1)D^2} >= u) <= 2 u^{-n/(n-1)}, integrated from 1 on; below, the probability is at most one.
        tail = 2 * level ** (-(1 + 1 / more))
        found = sp.simplify(1 + sp.integrate(tail, (level, 1, sp.oo), conds="none") - (2 * (more + 1) - 1))
        return Result(found == 0, "the tail integrates to 2n - 1, at most 2n")

    return Step(
        "moment of the squared deviation",
        statement,
        "McDiarmid's tail integrated",
        "symbolic",
        check,
        source="McAllester (2003), Lemma 1",
        display=r"\mathbb P(|\Delta|\ge x)\le2e^{-2nx^2}\ \Rightarrow\ \mathbb Ee^{2(n-1)\Delta^2}\le2n",
    )
