"""The rules that make facts: one answer worked by hand per branch, one refusal per side condition."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import sympy as sp

import bounds
from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.facts import Event, Fact, Lemma, decomposed, united
from bounds.proofs.terms import Declared, E, Fresh, Mean, Norm, UMean
from tests.proofs.setting import P, S, a, apart, b, c, d1, d2, n, residual, t, z, z2

LEFT, RIGHT = sp.symbols("left right")
ANY = Lemma("any", LEFT, RIGHT, "no source")


def fact(left, right, *events, assumes=(), requires=()):
    """A fact to try the rules on."""
    found = ANY.at({LEFT: left, RIGHT: right}, frozenset(assumes), frozenset(requires))
    for event in events:
        zero = ANY.at({LEFT: sp.S.Zero, RIGHT: sp.S.Zero}, events=frozenset({event}))
        found = found.plus(zero)
    return found


def test_facts_are_not_made_by_hand():
    with pytest.raises(InvalidProof, match="not by hand"):
        Fact(a, b, "wish")
    with pytest.raises(InvalidProof, match="not by hand"):
        replace(fact(a, b), rhs=sp.S.Zero)


def test_only_the_kernel_holds_the_token():
    folder = Path(bounds.__file__).parent
    named = {path.name for path in folder.rglob("*.py") if re.search(r"\b_TOKEN\b", path.read_text())}
    assert named == {"facts.py"}


def test_only_readings_state_what_may_fail():
    folder = Path(bounds.__file__).parent
    named = {path.name for path in folder.rglob("*.py") if re.search(r"\bevents=", path.read_text())}
    assert named <= {
        "facts.py",
        "betting.py",
        "class_means.py",
        "concentration.py",
        "margins.py",
        "pac_bayes.py",
        "picks.py",
        "reading.py",
    }


def test_placeholders_have_to_be_filled():
    with pytest.raises(InvalidProof, match="`right` was not declared"):
        ANY.at({LEFT: a})


def test_chain_keeps_the_multiplier():
    found = fact(a, 3 * b + c).chain(fact(b, t))
    assert (found.lhs, found.rhs) == (a, 3 * t + c)


def test_chain_adds_several_multipliers_and_opens_sums():
    found = fact(a, t * b + 2 * b).chain(fact(b, c + 1))
    assert sp.expand(found.rhs - (t + 2) * (c + 1)) == 0


def test_chain_of_a_sum_takes_the_multiplier_of_its_first_summand():
    found = fact(a, 2 * b + 2 * c + t).chain(fact(b + c, n))
    assert found.rhs == 2 * n + t
    left_over = fact(a, 2 * b + 3 * c).chain(fact(b + c, n))
    assert left_over.rhs in (2 * n + c, 3 * n - b)


def test_chain_where_the_side_grows():
    assert fact(a, sp.exp(b)).chain(fact(b, t)).rhs == sp.exp(t)


@pytest.mark.parametrize(
    ("right", "other", "message"),
    [
        (c, (b, t), "does not occur"),
        (-b, (b, t), "may be negative"),
        (c * b, (b, t), "may be negative"),
        (sp.exp(-b), (b, t), "falls in"),
        (sp.exp(b), (b + c, t), "not linear"),
        (b * sp.exp(b), (b, t), "not known"),
    ],
)
def test_chain_refuses(right, other, message):
    with pytest.raises(InvalidProof, match=message):
        fact(a, right).chain(fact(*other))


def test_lower_replaces_where_the_side_falls():
    found = fact(a, t - sp.exp(b)).lower(fact(c, b))
    assert found.rhs == t - sp.exp(c)
    with pytest.raises(InvalidProof, match="grows in"):
        fact(a, sp.exp(b)).lower(fact(c, b))
    with pytest.raises(InvalidProof, match="does not occur"):
        fact(a, t).lower(fact(c, b))


def test_plus():
    found = fact(a, b).plus(fact(c, t), 2)
    assert (found.lhs, found.rhs) == (a + 2 * c, b + 2 * t)
    with pytest.raises(InvalidProof, match="may be negative"):
        fact(a, b).plus(fact(c, t), -1)
    with pytest.raises(InvalidProof, match="may be negative"):
        fact(a, b).plus(fact(c, t), c)


def test_average_draws_second_views_afresh_where_there_are_none():
    found = fact(apart, residual + t).average(S)
    assert found.lhs == Mean(S, Fresh(apart))
    assert found.rhs == Mean(S, residual) + t
    assert fact(apart, t).average(P).lhs == Mean(P, apart)


def test_average_over_tuples():
    from bounds.proofs.terms import Dot, Enc, view
    from tests.proofs.setting import f

    two = Dot(z, Enc(f, view(1, 0)))
    assert fact(two, t).average(P).lhs == UMean(P, two)


def test_expect():
    found = fact(apart, residual + b).expect()
    assert (found.lhs, found.rhs) == (E(apart), E(residual) + b)


def test_isolate_solves():
    found = fact(n * t * a + c, b).isolate(a)
    assert found.lhs == a
    assert sp.simplify(found.rhs - (b - c) / (n * t)) == 0


@pytest.mark.parametrize(
    ("left", "message"),
    [
        (sp.exp(a), "not linear"),
        (a**2, "not linear"),
        (c, "not linear"),
        (-a, "may not be positive"),
        (c * a, "may not be positive"),
        ((t - 1) * a, "may not be positive"),
    ],
)
def test_isolate_refuses(left, message):
    with pytest.raises(InvalidProof, match=message):
        fact(left, b).isolate(a)


def test_weaken_only_up():
    assert fact(a, b).weaken(b + t).rhs == b + t
    for smaller in (b - t, b + c, c):
        with pytest.raises(InvalidProof, match="may be smaller"):
            fact(a, b).weaken(smaller)


def test_smaller_of_two_on_the_union_of_their_events():
    one, two, three = Event("one", d1), Event("two", d2), Event("one", d1)
    found = fact(a, b, one, two).smaller(fact(a, c, three))
    assert found.rhs == Min(b, c)
    assert found.spends == d1 + d2
    with pytest.raises(InvalidProof, match="differ"):
        fact(a, b).smaller(fact(c, b))


def test_roots():
    found = fact(apart, b).root()
    assert (found.lhs, found.rhs) == (sp.sqrt(apart), sp.sqrt(b))
    with pytest.raises(InvalidProof, match="may be negative"):
        fact(a, b).root()


def test_what_is_assumed_and_required_is_kept():
    relation = sp.Le(n, t, evaluate=False)
    found = fact(a, b, assumes={"A1"}).chain(fact(b, c, assumes={"A2"}, requires={relation}))
    assert found.assumptions == {"A1", "A2"}
    assert found.requires == {relation}
    assert len(found.steps) == 3


def test_a_lemma_takes_over_what_its_premises_rest_on():
    relation, event = sp.Le(n, t, evaluate=False), Event("e", d1)
    premise = fact(a, b, event, assumes={"A1"}, requires={relation})
    found = ANY.at({LEFT: a, RIGHT: c}, frozenset({"A2"}), premises=(premise,))
    assert (found.events, found.assumptions, found.requires) == ({event}, {"A1", "A2"}, {relation})
    assert found.premises == (premise,)
    assert ANY.at({LEFT: a, RIGHT: c}, premises=(premise,), drop=True).requires == frozenset()


def test_parts_have_to_add_up():
    found = decomposed(z, (z - z2, z2), Norm)
    assert (found.lhs, found.rhs) == (Norm(z), Norm(z - z2) + Norm(z2))
    with pytest.raises(InvalidProof, match="do not add up"):
        decomposed(z, (z - z2, z), Norm)


def test_a_union_needs_one_event_that_carries_the_weights():
    generic, chosen = Declared("j'", "index", (), True), Declared("j", "index", ("S",))
    weight = sp.exp(-(generic**2))
    found = united(fact(a, generic * t, Event("e", d1 * weight)), {generic: chosen}, d1 * weight, d1)
    assert found.rhs == chosen * t
    assert found.events == {Event("e", d1)}
    for events in ((), (Event("e", d1),), (Event("e", d1 * weight), Event("g", d2 * weight))):
        with pytest.raises(InvalidProof, match="needs one event"):
            united(fact(a, generic * t, *events), {generic: chosen}, d1 * weight, d1)


def test_scaling_and_subtraction():
    found = fact(a, b + 2 * c).scaled(t)
    assert (found.lhs, sp.expand(found.rhs - t * b - 2 * t * c)) == (t * a, 0)
    moved = fact(a, b + 2 * c).subtract(2 * c - a)
    assert (sp.expand(moved.lhs - 2 * a + 2 * c), sp.expand(moved.rhs - a - b)) == (0, 0)
    with pytest.raises(InvalidProof, match="may be negative"):
        fact(a, b).scaled(Declared("free", "other"))


def test_a_chain_is_not_made_by_a_number():
    found = fact(a, 1 - b + t).chain(fact(1 - b, c))
    assert sp.expand(found.rhs - c - t) == 0
