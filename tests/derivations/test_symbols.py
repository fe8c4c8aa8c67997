"""A symbol stands for one thing."""

import pytest

from bounds.errors import InvalidOption


def test_a_symbol_stands_for_one_thing():
    from bounds.derivations.symbols import symbol

    assert symbol("n", "n", "number of labeled items, |S|", positive=True).name == "n"
    with pytest.raises(InvalidOption, match="already stands for"):
        symbol("n", "n", "number of negatives")
