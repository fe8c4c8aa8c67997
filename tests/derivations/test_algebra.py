"""Equality of expressions needs algebra and digits."""

import sympy as sp

from bounds.derivations.algebra import equal
from bounds.derivations.functions import Min


def test_equality_needs_sympy_and_digits():
    x = sp.Symbol("x", positive=True)
    assert equal(sp.sqrt(x**2 / 4), x / 2).holds
    assert not equal(x, x * (1 + sp.Rational(1, 10**40))).holds
    assert not equal(Min(1, x), Min(2, x)).holds
