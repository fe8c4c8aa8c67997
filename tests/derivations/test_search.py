"""A false inequality is found, and what is no number counts against it."""

import numpy as np
import sympy as sp

from bounds.derivations.search import falsify


def test_a_false_inequality_is_falsified():
    x, y = sp.symbols("x y", nonnegative=True)
    relation = sp.Le(x, sp.Rational(99, 100) * y, evaluate=False)
    found = falsify(relation, lambda p: {x: np.abs(p[:, 0]), y: np.abs(p).max(1)}, 2)
    assert not found.holds


def test_nan_counts_as_a_counterexample():
    x = sp.Symbol("x")
    assert not falsify(
        sp.Le(x, 1, evaluate=False), lambda p: {x: np.where(p[:, 0] > 3, np.nan, 0.0)}, 1
    ).holds
