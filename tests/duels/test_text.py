"""What a duel prints is never sharper than what it certifies."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bounds.duels.text import percent, points


@given(st.floats(0, 1), st.booleans())
def test_limits_are_rounded_outwards(x, up):
    exact = 100 * Decimal(repr(x))
    for said in (percent(x, up=up, down=not up).removesuffix(" %"), points(x, up=up, down=not up)):
        assert Decimal(said) >= exact if up else Decimal(said) <= exact
    assert abs(Decimal(points(-x, up=up, down=not up)) + exact) <= Decimal("0.01")


def test_limits_near_a_round_number():
    assert percent(0.0500001, up=True) == "5.01 %"
    assert percent(0.0499999, down=True) == "4.99 %"
    assert points(-0.00004, up=True) == "-0.00"
    assert points(0.00001, up=True) == "+0.01"
