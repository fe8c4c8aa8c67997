"""A total is rounded to the side on which it stays true."""

from fractions import Fraction

import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from bounds.derivations.expression import Expression


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), st.booleans(), st.booleans())
@example([2.2250738585e-313], True, True)
@example([2.2250738585e-313], True, False)
@example([5e-324], True, False)
@example([0.0], True, False)
def test_a_total_is_rounded_to_the_side_on_which_it_stays_true(numbers, root, below):
    names = [f"t{i}" for i in range(len(numbers))]
    expression = Expression({name: sp.Symbol(name) for name in names}, "root" if root else "sum", below=below)
    found = Fraction(expression.combined(dict(zip(names, numbers, strict=True))))
    exact = sum(map(Fraction, numbers))
    if root:
        found, exact = found**2, max(exact, Fraction(0))
    assert found <= exact if below else found >= exact
