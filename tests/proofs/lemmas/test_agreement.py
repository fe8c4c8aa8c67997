"""Agreement of two views: limits in each class, what the two decisions leave, and what is refused."""

import math

import pytest

from bounds.errors import InvalidProof
from bounds.proofs.choices import one_of
from bounds.proofs.lemmas.agreement import AGREEMENT, ClassLimit, agree, in_each_class
from bounds.proofs.lemmas.concentration import counted
from bounds.proofs.lemmas.pac_bayes import Narrow, pac_bayes
from bounds.proofs.terms import Declared, Differ, Given, InCell, Mean, Remainder, Sample, Wrong
from tests.proofs.setting import apart, d1, n, y, z, z2

W = Declared("W", "head", ("S", "f"))
Q = Sample("Q", n, (("f", "A2"), ("rest", "A6")))
CELLS = Sample("Q_y", n, Q.apart, ("A6", "K"), cells=True)
G, K = Declared("G", "count"), Declared("K", "count")
PRIORS = one_of(G, "prior", "index", ("S",), before=("rest",))
CLASSES = one_of(K, "class", "index", ("S",))
MARGIN = Narrow(W, PRIORS.chosen, z, y)
V = Declared("V", "head", ("rest", "f"))
LIMIT = counted(Mean(CELLS, InCell(CLASSES.chosen, Wrong(V, z, y))), d1, over=(CLASSES,))
WEIGHT = Declared("multiplier", "amount", ("S", "P"))


def test_a_limit_of_any_class_is_one_of_every_class():
    found = in_each_class(LIMIT)
    assert found.lhs == Given(Wrong(V, z, y))
    assert found.rhs == ClassLimit(Given(Wrong(V, z, y)))
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
    left = Remainder(ClassLimit(Given(Wrong(V, z, y))), WEIGHT)
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
