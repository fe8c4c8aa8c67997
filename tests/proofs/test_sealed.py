"""Tampering: what was not made by the kernel, or was changed after it was made, proves nothing and certifies nothing."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields, replace

import pytest
import sympy as sp

from bounds.derivations import symbols as s
from bounds.derivations.expression import Expression
from bounds.derivations.lemmas import spectral as checks
from bounds.errors import InvalidProof
from bounds.proofs.choices import ball, over_integers
from bounds.proofs.conclude import Conclusion, conclude
from bounds.proofs.facts import Event, Fact, Lemma
from bounds.proofs.lemmas.concentration import HOEFFDING, hoeffding
from bounds.proofs.lemmas.reading import read
from bounds.proofs.ranges import interval
from bounds.proofs.readings import Quantity
from bounds.proofs.sealed import intact
from bounds.proofs.terms import E, Frobenius, Mean, Sample
from bounds.theorems.bound import Inputs
from tests.proofs.setting import P, W, apart, d1, m

READINGS = {Mean(Sample("P", m, paired=True), apart): Quantity(s.invariance, "invariance")}
ORDER = ("invariance", "confidence")
SMALLER = Mean(P, apart) / 2
RADIUS = over_integers("radius_index", ("S",))


def honest():
    return hoeffding(Mean(P, apart), d1)


def concluded(fact):
    return conclude(fact, E(apart), READINGS, ORDER)


def changed(one, **fields):
    """The same object, its frozen fields overwritten."""
    for name, value in fields.items():
        object.__setattr__(one, name, value)
    return one


def blank(kind, like, **fields):
    """An object that no constructor made."""
    return changed(object.__new__(kind), **{**vars(like), **fields})


class Cheaper(Fact):
    """A fact whose right side is what it says it is."""


FORGED = {
    "copied": lambda fact: changed(copy.copy(fact), rhs=SMALLER),
    "copied without a change": copy.copy,
    "copied deeply": lambda fact: copy.deepcopy(_plain(fact)),
    "pickled": lambda fact: pickle.loads(pickle.dumps(_plain(fact))),
    "never made": lambda fact: blank(Fact, fact, rhs=SMALLER),
    "of a subclass": lambda fact: blank(Cheaper, fact, rhs=SMALLER),
    "changed in its place": lambda fact: changed(fact, rhs=SMALLER),
    "changed by its dictionary": lambda fact: vars(fact).update(rhs=SMALLER) or fact,
    "its events forgotten": lambda fact: changed(fact, events=frozenset()),
    "its event cheaper": lambda fact: changed(next(iter(fact.events)), share=sp.S.Zero) and fact,
    "its assumptions forgotten": lambda fact: changed(fact, assumptions=frozenset()),
}


def _plain(fact):
    """A fact as pickle takes it: radii and lemmas hold functions that it refuses."""
    return blank(Fact, fact, rhs=sp.Integer(1), lemma=None)


@pytest.mark.parametrize("way", FORGED)
def test_a_forged_fact_proves_nothing(way):
    forged = FORGED[way](honest())
    for use in (concluded, lambda fact: fact.scaled(sp.Integer(2)), lambda fact: honest().plus(fact)):
        with pytest.raises(InvalidProof, match="not as the kernel made it"):
            use(forged)


def test_an_honest_fact_is_concluded_again_and_again():
    fact = honest()
    assert concluded(fact.scaled(sp.Integer(1))).assumptions == concluded(fact).assumptions


@pytest.mark.parametrize(
    "making",
    [
        lambda fact: replace(fact, rhs=SMALLER),
        lambda fact: replace(fact),
        lambda fact: type(fact)(fact.lhs, SMALLER, fact.rule),
        lambda fact: Cheaper(fact.lhs, SMALLER, fact.rule),
        lambda fact: fact.__init__(fact.lhs, SMALLER, fact.rule),
    ],
)
def test_constructors_want_the_token(making):
    with pytest.raises(InvalidProof, match="not by hand"):
        making(honest())


MADE = {
    "event": lambda: Event("e", d1),
    "fact": honest,
    "lemma": lambda: HOEFFDING,
    "conclusion": lambda: concluded(honest()),
    "reading": lambda: read(Mean(P, apart)),
    "range": lambda: interval(apart),
    "quantity": lambda: READINGS[next(iter(READINGS))],
    "choice": lambda: RADIUS,
    "family": lambda: ball(W, RADIUS.chosen, Frobenius),
}


@pytest.mark.parametrize("one", MADE)
def test_nothing_that_a_proof_is_made_of_is_assigned_to(one):
    made = MADE[one]()
    for field in fields(made):
        with pytest.raises(FrozenInstanceError):
            setattr(made, field.name, None)


def test_a_lemma_is_of_the_module_that_states_it():
    step = checks.scaled_means()
    mine = Lemma("mine", *step.statement.args, "nobody")
    assert (mine.home, Lemma.of(step).home, HOEFFDING.home) == (__name__, __name__, hoeffding.__module__)


NOTHING = Expression({"invariance": sp.S.Zero})
FORGED_CONCLUSIONS = {
    "copied": lambda one: changed(copy.copy(one), expression=NOTHING),
    "copied without a change": copy.copy,
    "never made": lambda one: blank(Conclusion, one, expression=NOTHING),
    "of a subclass": lambda one: blank(type("Mine", (Conclusion,), {}), one, expression=NOTHING),
    "changed in its place": lambda one: changed(one, expression=NOTHING),
    "its terms changed": lambda one: one.expression.terms.update(confidence=sp.S.Zero) or one,
    "its sum changed": lambda one: changed(one.expression, combine="root") and one,
    "its requirements forgotten": lambda one: changed(one.expression, requires=(sp.true,)) and one,
    "its assumptions forgotten": lambda one: changed(one, assumptions=()),
    "of something else": lambda one: Event("no conclusion", sp.S.Zero),
}


@pytest.mark.parametrize("way", FORGED_CONCLUSIONS)
def test_a_forged_conclusion_certifies_nothing(way):
    made = concluded(honest())
    assert Inputs.proven(made, {}, {}).follows
    forged = FORGED_CONCLUSIONS[way](made)
    assert not intact(forged, Conclusion)
    assert not Inputs(getattr(forged, "expression", NOTHING), {}, {}, conclusion=forged).follows


def test_a_conclusion_is_not_replaced():
    made = concluded(honest())
    with pytest.raises(InvalidProof, match="not by hand"):
        replace(made, expression=NOTHING)
    assert not Inputs(NOTHING, {}, {}, conclusion=made).follows


def test_looking_at_a_conclusion_does_not_change_it():
    made = concluded(honest())
    made.expression.latex()
    assert made.expression.total
    assert made.expression.symbols
    assert intact(made, Conclusion)
