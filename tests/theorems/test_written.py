"""Formulas are printed when somebody looks at them, and never lost on the way."""

import copy
import pickle
from dataclasses import asdict, dataclass

import pytest

from bounds.theorems.written import changed, late, written_late


@written_late
@dataclass(frozen=True)
class Number:
    value: float
    latex: str
    unit: str = ""


@pytest.fixture
def prints():
    def printing():
        printing.times += 1
        return "x^{2}"

    printing.times = 0
    return printing


def test_a_formula_is_printed_once_and_late(prints):
    one = Number(4.0, late(prints))
    other = changed(one, unit="m")
    assert (other.value, other.unit, one.unit, prints.times) == (4.0, "m", "", 0)
    assert one.latex == one.latex == "x^{2}"
    assert prints.times == 1


def test_what_leaves_holds_the_text(prints):
    one = Number(4.0, late(prints))
    assert asdict(one) == {"value": 4.0, "latex": "x^{2}", "unit": ""}
    again = pickle.loads(pickle.dumps(one))
    assert again == one == copy.deepcopy(one) == Number(4.0, "x^{2}")
    assert again.__dict__["latex"] == "x^{2}"
