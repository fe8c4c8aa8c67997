"""`derive` knows every bound that a report certifies, and says what it does not know."""

import pytest

from bounds.errors import InvalidOption
from bounds.theorems import THEOREMS
from bounds.theorems.derive import derive, provable


def test_every_bound_of_a_report_has_a_proof():
    bounds_only = {name for name, theorem in THEOREMS.items() if theorem.kind == "bound"}
    assert bounds_only <= set(provable())


def test_unknown_names_and_options_are_refused():
    with pytest.raises(InvalidOption, match="known: arora_2019"):
        derive("nothing")
    with pytest.raises(InvalidOption, match="does not take the options"):
        derive("test_set", prior_known=True)
