"""PAC-Bayes: what it states, typed a second time where no tight instance exists, and what is refused."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.choices import one_of
from bounds.proofs.lemmas.pac_bayes import (
    PAC_BAYES,
    Divergence,
    Gibbs,
    Narrow,
    Quantile,
    derandomised,
    pac_bayes,
)
from bounds.proofs.terms import Declared, E, InCell, Mean, Sample, Wrong
from tests.proofs.setting import d1, double, n, y, z

W = Declared("W", "head", ("S", "f"))
Q = Sample("Q", n, (("f", "A2"), ("rest", "A6")))
CELLS = Sample("Q_y", n, Q.apart, ("A6", "K"), cells=True)
G, K = Declared("G", "count"), Declared("K", "count")
PRIORS = one_of(G, "prior", "index", ("S",), before=("rest",))
CLASSES = one_of(K, "class", "index", ("S",))
ERROR, MARGIN = Gibbs(W, PRIORS.chosen, z, y), Narrow(W, PRIORS.chosen, z, y)


def test_the_bound_holds_for_a_posterior_of_the_counted_items():
    found = pac_bayes(Mean(Q, ERROR), d1, over=(PRIORS,))
    assert found.lhs == E(ERROR)
    assert found.assumptions == {"A2", "A6"}
    assert found.spends == d1
    assert found.requires == {sp.Ge(n, 8, evaluate=False)}
    assert {event.what for event in found.events} == {"random heads on Q"}
    plain = found.rhs.xreplace(
        {Mean(Q, ERROR): sp.Rational(1, 5), Divergence(W, PRIORS.chosen): sp.Integer(3)}
    )
    budget = double(plain.args[1], n=200, G=4, delta_1=0.05)
    assert budget == pytest.approx((3 + math.log(2 * math.sqrt(200) * 4 / 0.05)) / 200, rel=1e-12)


@pytest.mark.parametrize(
    ("total", "message"),
    [
        (Mean(Q, ERROR), "depends on S"),  # the prior was chosen from the items and is not paid for
        (Mean(Q, Wrong(W, z, y)), "no average over random heads"),
        (E(ERROR), "not a mean over a sample"),
        (Mean(Sample("Q", n, Q.apart, fixed=True), ERROR), "items of one law"),
        (Mean(Sample("Q", n, Q.apart, hidden=True), ERROR), "items of one law"),
        (Mean(Sample("Q", n, (("rest", "A6"),)), Gibbs(W, PRIORS.generic, z, y)), "depends on f"),
    ],
    ids=str,
)
def test_random_heads_that_are_refused(total, message):
    with pytest.raises(InvalidProof, match=message):
        pac_bayes(total, d1)


def test_maurers_theorem_is_cited_with_its_check():
    assert PAC_BAYES.check is not None
    assert PAC_BAYES.kind == "cited"


def test_an_error_shows_in_random_heads():
    found = derandomised(MARGIN)
    assert (found.lhs, found.rhs) == (Wrong(W, z, y), MARGIN / Quantile(PRIORS.chosen))
    inside = derandomised(InCell(CLASSES.chosen, MARGIN))
    assert inside.lhs == InCell(CLASSES.chosen, Wrong(W, z, y))
    with pytest.raises(InvalidProof, match="not the chance of a narrow margin"):
        derandomised(ERROR)
