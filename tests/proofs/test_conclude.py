"""What may be published: refusals, names of terms, and requirements that evaluation checks."""

import pytest
import sympy as sp

from bounds.derivations import symbols as s
from bounds.errors import InvalidProof, NotApplicable
from bounds.proofs.conclude import conclude
from bounds.proofs.facts import Event
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.ranges import tau
from bounds.proofs.readings import Quantity
from bounds.proofs.terms import Declared, E, Mean, Sample
from tests.proofs.setting import P, apart, d1, m, t
from tests.proofs.test_facts import fact

PLAIN = Sample("P", m, paired=True)
READINGS = {Mean(PLAIN, apart): Quantity(s.invariance, "invariance"), t: Quantity(s.c)}
ORDER = ("invariance", "confidence")
GOAL = E(apart)


def concluded(one, goal=GOAL, readings=READINGS, order=ORDER, **more):
    return conclude(one, goal, readings, order, **more)


def test_the_expression_is_the_right_side():
    found = concluded(hoeffding(Mean(P, apart), d1)).expression
    assert found.terms["invariance"] == s.invariance
    radius = s.tau * sp.sqrt(sp.log(1 / s.delta_1) / (2 * s.m))
    assert sp.simplify(found.terms["confidence"] - radius) == 0
    assert list(found.terms) == ["invariance", "confidence"]


def test_assumptions_are_those_of_the_proof():
    assert concluded(hoeffding(Mean(P, apart), d1)).assumptions == ("A1", "A3", "A4", "A6")


def bound(*events, right=None, requires=(), assumes=()):
    right = Mean(P, apart) if right is None else right
    return fact(GOAL, right, *events, assumes=assumes, requires=requires)


GENERIC = Declared("j'", "index", (), True)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (lambda: fact(E(apart**2), t), "The proof bounds"),
        (lambda: bound(Event("e", d1 / 2)), "not a bare share"),
        (lambda: bound(Event("e", sp.Rational(1, 20))), "not a bare share"),
        (lambda: bound(Event("e", t)), "not a bare share"),
        (lambda: bound(Event("e", d1), Event("g", d1)), "the same share"),
        (lambda: bound(assumes={"A1", "A1'"}), "two kinds of views"),
        (lambda: bound(assumes={"A1", "label"}), "two kinds of views"),
        (lambda: bound(right=GENERIC * Mean(P, apart)), "generic member `j'` is left"),
        (lambda: bound(right=Mean(P, apart) + E(apart**2)), "named by"),
        (lambda: bound(right=Mean(P, apart) * E(apart**2)), "cannot be read off"),
        (lambda: bound(right=Mean(P, apart**2)), "named by"),
        (lambda: bound(right=Mean(P, apart) * apart), "item variable"),
        (lambda: bound(right=Mean(P, apart) * Declared("unknown", "constant")), "cannot be read off"),
        (lambda: bound(right=Mean(P, apart) * sp.sin(t)), "cannot be read off"),
        (
            lambda: fact(GOAL, Mean(Sample("P", m, paired=True, hidden=True), apart)),
            "cannot be read off",
        ),
    ],
)
def test_refusals(one, message):
    with pytest.raises(InvalidProof, match=message):
        concluded(one())


def test_names_that_leave_out_a_part_of_the_bound_are_refused(monkeypatch):
    from bounds.proofs import conclude as module

    def forgetful(*arguments):
        terms, parts, root = naming(*arguments)
        del terms["confidence"]
        return terms, parts, root

    naming = module.named
    monkeypatch.setattr(module, "named", forgetful)
    with pytest.raises(InvalidProof, match="do not add up to the bound"):
        concluded(hoeffding(Mean(P, apart), d1))


def test_a_term_that_the_report_does_not_list_is_refused():
    with pytest.raises(InvalidProof, match="`order` does not list"):
        concluded(hoeffding(Mean(P, apart), d1), order=("invariance",))


def test_a_limit_from_below_has_its_goal_on_the_right():
    one = fact(Mean(P, apart), GOAL)
    assert concluded(one, below=True).expression.below
    with pytest.raises(InvalidProof, match="The proof bounds"):
        concluded(one)


def test_requirements_are_checked_by_evaluation():
    relation = sp.Le(tau, t, evaluate=False)
    expression = concluded(bound(requires={relation})).expression
    assert expression.evaluate({"invariance": 1.0, "tau": 1.0, "c": 1.0}) == {"invariance": 1.0}
    with pytest.raises(NotApplicable, match="tau <= c"):
        expression.evaluate({"invariance": 1.0, "tau": 1.1, "c": 1.0})


def test_conclusions_are_not_made_by_hand():

    from bounds.proofs.conclude import Conclusion
    from bounds.theorems.counting.test_set import TEST_SET

    made = TEST_SET.proof()
    with pytest.raises(InvalidProof, match="not by hand"):
        Conclusion(made.fact, made.expression, made.events, made.assumptions, made.foreign)
