"""Closed formulas are kept whole by algebra, are nonnegative, and open when asked."""

import sympy as sp

from bounds.proofs.closed import closed
from bounds.proofs.ranges import nonnegative
from tests.proofs.setting import a, n, t

inner = closed("inner", lambda count: sp.sqrt(1 / count))
outer = closed("outer", lambda count: 3 * inner(count) + 1, role="weight")


def test_algebra_does_not_look_inside():
    assert sp.expand(outer(n) * (a + 1)) == outer(n) * a + outer(n)
    assert outer(n) != 3 * inner(n) + 1
    assert nonnegative(outer(n) * t)


def test_a_formula_opens_by_one_level():
    assert outer(n).opened == 3 * inner(n) + 1
    assert inner(n).opened == sp.sqrt(1 / n)


def test_a_formula_says_what_it_counts_as():
    assert (inner(n).role, outer(n).role) == ("confidence", "weight")
