"""Random numbers that belong to rows, and orders made from them."""

import numpy as np
import pytest

from bounds import draws
from bounds.draws import permutation, uniforms


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 99, 3000])
def test_an_order_sorts_the_numbers_of_its_rows_however_many_are_drawn_at_once(count, monkeypatch):
    plain = np.argsort(uniforms(5, np.arange(count), 3, 1)[:, 0], kind="stable")
    assert np.array_equal(permutation(5, count, 3), plain)
    monkeypatch.setattr(draws, "_PART", 10)  # so that there are many ranges, up to the most
    assert np.array_equal(permutation(5, count, 3), plain)


def test_orders_stay_those_of_earlier_versions():
    assert permutation(0, 10).tolist() == [2, 9, 0, 1, 7, 5, 8, 4, 6, 3]
    assert permutation(3, 8, 25).tolist() == [2, 7, 3, 5, 0, 6, 1, 4]
