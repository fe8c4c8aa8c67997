"""Closed formulas are kept whole by algebra, are nonnegative, and open to the formula."""

import sympy as sp

from bounds.proofs.closed import closed
from bounds.proofs.ranges import nonnegative
from tests.proofs.setting import a, n, t

radius = closed("radius", lambda count: 3 / count + 1)
weight = closed("weight", lambda count: radius(count) / 2, role="weight")


def test_algebra_does_not_look_inside():
    assert sp.expand(radius(n) * (a + 1)) == radius(n) * a + radius(n)
    assert radius(n) != 3 / n + 1
    assert nonnegative(radius(n) * t)


def test_it_opens_to_its_formula():
    assert radius(n).opened == 3 / n + 1
    assert weight(n).opened == radius(n) / 2


def test_it_says_what_it_counts_as():
    assert (radius(n).role, weight(n).role) == ("confidence", "weight")
