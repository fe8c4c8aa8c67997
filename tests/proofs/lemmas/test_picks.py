"""Pick-to-learn: what it states, and one refusal per side condition."""

import pytest

from bounds.derivations.functions import picked_limit
from bounds.errors import InvalidProof
from bounds.proofs.lemmas.picks import PICK, Picked, Picks, picked
from bounds.proofs.terms import Declared, E, Enc, Sample, Wrong, view
from tests.proofs.setting import d1, n, y, z

Q = Sample("Q", n, (("f", "A2"), ("rest", "A6")), ("A6",))
START = Declared("W", "head", ("rest", "f"))


def error(head=None):
    return Wrong(Picked(START, Q) if head is None else head, z, y)


def test_the_error_of_a_picked_head_is_limited_by_its_picks():
    found = picked(error(), d1)
    assert found.lhs == E(error())
    assert found.rhs == picked_limit(Picks(Picked(START, Q)), n, d1)
    assert found.assumptions == {"A2", "A5", "A6"}
    assert found.spends == d1
    assert PICK.check().holds


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: error(START), "not the error of a head that picks"),
        (lambda: Picks(Picked(START, Q)), "not the error of a head that picks"),
        (lambda: error(Picked(Declared("W", "head", ("Q", "f")), Q)), "depends on Q"),
        (lambda: error(Picked(START, Sample("Q", n, Q.apart, fixed=True))), "one law"),
        (lambda: error(Picked(START, Sample("Q", n, Q.apart, hidden=True))), "one law"),
        (lambda: error(Picked(START, Sample("Q", n, (("rest", "A6"),)))), "depends on f"),
        (lambda: Wrong(Picked(START, Q), Enc(START, view(1, 0)), y), "one new item"),
    ],
)
def test_each_condition_is_asked_for(wrong, match):
    with pytest.raises(InvalidProof, match=match):
        picked(wrong(), d1)
