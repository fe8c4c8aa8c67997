"""PAC-Bayes and agreement: what they state, typed a second time where no tight instance exists, and what they refuse."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.choices import one_of
from bounds.proofs.lemmas.agreement import AGREEMENT, agree, in_each_class
from bounds.proofs.lemmas.concentration import counted
from bounds.proofs.lemmas.pac_bayes import PAC_BAYES, derandomised, pac_bayes
from bounds.proofs.terms import (
    ClassLimit,
    Declared,
    Differ,
    Divergence,
    E,
    Gibbs,
    Given,
    InCell,
    Mean,
    Narrow,
    Quantile,
    Remainder,
    Sample,
    Wrong,
)
from tests.proofs.setting import apart, d1, double, n, y, z, z2

W = Declared("W", "head", ("S", "f"))
Q = Sample("Q", n, (("f", "A2"), ("rest", "A6")))
CELLS = Sample("Q_y", n, Q.apart, ("A6", "K"), cells=True)
G, K = Declared("G", "count"), Declared("K", "count")
PRIORS = one_of("priors", G, "prior", "index", ("S",), before=("rest",))
CLASSES = one_of("classes", K, "class", "index", ("S",))
ERROR, MARGIN = Gibbs(W, PRIORS.chosen, z, y), Narrow(W, PRIORS.chosen, z, y)
V = Declared("V", "head", ("rest", "f"))


# Random heads


def test_the_bound_holds_for_a_posterior_of_the_counted_items():
    found = pac_bayes(Mean(Q, ERROR), d1, over=(PRIORS,))
    assert found.lhs == E(ERROR)
    assert found.assumptions == {"A2", "A6"}
    assert found.spends == d1
    assert found.requires == {sp.Ge(n, 8, evaluate=False)}
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


# Agreement

LIMIT = counted(Mean(CELLS, InCell(CLASSES.chosen, Wrong(V, z, y))), d1, over=(CLASSES,))
WEIGHT = Declared("multiplier", "amount", ("S", "P"))


def test_a_limit_of_any_class_is_one_of_every_class():
    found = in_each_class(LIMIT)
    assert found.lhs == Given(Wrong(V, z, y))
    assert found.rhs == ClassLimit(Wrong(V, z, y), y)
    assert found.events == LIMIT.events
    assert found.assumptions == {"A2", "A6", "K"}


def test_limits_of_one_class_are_refused():
    generic = counted(Mean(CELLS, InCell(CLASSES.generic, Wrong(V, z, y))), d1 / K)
    fixed = Declared("class", "index", ())
    one = counted(Mean(CELLS, InCell(fixed, Wrong(V, z, y))), d1)
    for fact in (generic, one, counted(Mean(Q, Wrong(V, z, y)), d1)):
        with pytest.raises(InvalidProof, match="does not limit a mean in a class"):
            in_each_class(fact)
    soft = pac_bayes(Mean(CELLS, InCell(CLASSES.chosen, MARGIN)), d1, over=(CLASSES, PRIORS))
    with pytest.raises(InvalidProof, match="may exceed one"):
        in_each_class(soft)


def test_agreement_takes_the_limits_and_their_event():
    found = agree(in_each_class(LIMIT), WEIGHT)
    left = Remainder(ClassLimit(Wrong(V, z, y), y), WEIGHT)
    assert found.rhs == WEIGHT * Given(Differ(V, z, V, z2)) + left
    assert found.spends == d1
    assert "A5" in found.assumptions
    with pytest.raises(InvalidProof, match="does not limit the error of a head in each class"):
        agree(LIMIT, WEIGHT)
    with pytest.raises(InvalidProof, match="does not limit the error of a head in each class"):
        agree(
            counted(Mean(Q, Wrong(V, z, y)), d1).weaken(
                apart.func(z) + counted(Mean(Q, Wrong(V, z, y)), d1).rhs
            ),
            WEIGHT,
        )


def test_the_remainder_is_what_two_views_leave():
    """E ≤ λ·P(differ) + max(0, u − 2λu(1 − u)) for every law of the decision with error e ≤ u; equal at two classes."""
    tight = math.inf
    for e in (0.0, 0.1, 0.3, 0.5, 0.8, 1.0):
        for u in (e, (1 + e) / 2, 1.0):
            for weight in (0.0, 0.3, 0.5 / max(1e-9, 1 - u) if u < 1 else 2.0, 3.0):
                for rest in ([1 - e, e], [1 - e, e / 2, e / 2]):
                    differ = 1 - sum(p * p for p in rest)
                    gap = weight * differ + max(0.0, u - 2 * weight * u * (1 - u)) - e
                    assert gap >= -1e-12
                    tight = min(tight, abs(gap) if 0 < e < 0.5 and weight > 0 else math.inf)
    assert tight < 1e-12
    assert AGREEMENT.check is not None
