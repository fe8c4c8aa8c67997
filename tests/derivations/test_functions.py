"""Functions of formulas in sympy."""

import sympy as sp

from bounds.derivations.functions import Max, Min


def test_the_largest_and_the_smallest_of_numbers():
    x = sp.Symbol("x", real=True)
    assert (Max(3, 2), Max(2, 3), Min(3, 2), Min(2, 3)) == (3, 3, 2, 2)
    assert (Max(0, x).subs(x, -1), Min(1, x).subs(x, 3)) == (0, 1)


def test_what_is_no_number_is_left_as_it_is():
    x = sp.Symbol("x", positive=True)
    assert Max(0, x).args == (0, x)
    assert Min(1, 1 + x).args == (1, 1 + x)
