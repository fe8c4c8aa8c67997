"""Losses of margins and the mean classifier: ranges, tight instances, worlds by enumeration, what is refused."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.lemmas.margins import (
    ALIKE,
    HINGE,
    JENSEN,
    LOGISTIC,
    Collision,
    CollisionLimit,
    collision_limits,
    computed,
    fewest_collisions,
    jensen_between,
    jensen_over_views,
    largest_loss,
    margin_loss,
    mean_classifier,
)
from bounds.proofs.lemmas.reading import read
from bounds.proofs.terms import Declared, E, Sample, UMean, Worst
from bounds.proofs.world import gaps
from tests.proofs.setting import P, S, d1, d2, double, f, k, m

s, tau, none = (
    Declared("scale", "constant"),
    Declared("collision", "level"),
    Declared("no_collision", "constant"),
)
logs = Declared("log_collisions", "constant")
BOTH = pytest.mark.parametrize("kind", [HINGE, LOGISTIC], ids=str)


def loss_at(kind, v, count=1):
    return max(0.0, 1 - v) if kind == HINGE else math.log2(1 + count * math.exp(-v))


@BOTH
@pytest.mark.parametrize("count", [1, 4])
def test_the_range_is_the_loss_at_both_ends_and_a_tuple_has_one_and_k_items(kind, count):
    found = read(UMean(P, margin_loss(kind, f, sp.Integer(count), s)))
    spread = double(found.range.width, scale=0.6, span=1.7)
    v = 0.36 * 1.7
    assert spread == pytest.approx(loss_at(kind, -v, count) - loss_at(kind, v, count), rel=1e-12)
    assert found.count == sp.floor(m / (count + 1))
    assert found.assumptions == {"A1", "A3", "A4", "A6"}
    assert read(UMean(P, margin_loss(kind, f, k, s))).count == sp.floor(m / (k + 1))


@BOTH
def test_jensen_is_what_its_readings_say(kind):
    fact = jensen_over_views(kind, f, k, s, none, tau)
    target = mean_classifier(kind, f, k, s)
    assert (fact.lhs, fact.rhs) == (none * target + tau, E(margin_loss(kind, f, k, s)))
    assert fact.assumptions == {"A1"}
    assert not fact.events


def test_several_collisions_cost_the_logarithmic_loss_their_binary_logarithm():
    fact = jensen_over_views(LOGISTIC, f, k, s, none, tau, logs)
    assert fact.lhs == none * mean_classifier(LOGISTIC, f, k, s) + logs / sp.log(2)
    with pytest.raises(InvalidProof, match="no more than one"):
        jensen_over_views(HINGE, f, k, s, none, tau, logs)


@BOTH
def test_jensen_holds_in_every_world_and_is_attained_by_classes_that_are_points(kind):
    found = list(gaps(jensen_over_views(kind, f, sp.S.One, s, none, tau)))
    assert min(found) > -1e-9
    # Some worlds have one input a class, where Jensen over views loses nothing.
    assert min(found) < 1e-9


@BOTH
def test_the_largest_loss(kind):
    fact = largest_loss(kind, f, sp.S.One, s)
    assert double(fact.rhs, scale=0.6, span=1.7, B=1.0) == pytest.approx(
        loss_at(kind, -0.36 * 1.7), rel=1e-12
    )
    assert fact.assumptions == {"A4"}
    assert min(gaps(fact)) > -1e-9


def test_classes_collide_at_least_as_often_as_equally_likely_ones():
    fact = fewest_collisions(Declared("K", "count"))
    assert (fact.lhs, fact.rhs, fact.assumptions) == (1 / Declared("K", "count"), Collision(sp.S.One), {"K"})
    assert min(gaps(fact)) > -1e-9
    assert fact.lemma is ALIKE


def contrast(kind, number=None):
    mean = UMean(P, margin_loss(kind, f, sp.S.One, s))
    fact = hoeffding(mean, d1)
    return fact if number is None else fact.chain(computed(mean, number, sp.S.Zero))


@BOTH
def test_limits_of_the_collisions_serve_on_one_side_of_one_each(kind):
    low, high = collision_limits(S, d2)
    sampled = contrast(kind)
    below = jensen_between(kind, f, sp.S.One, s, sampled, low)
    above = jensen_between(kind, f, sp.S.One, s, sampled, high)
    t, u = (CollisionLimit(S, d2, sp.Integer(side)) for side in (0, 1))
    assert below.rhs == (sampled.rhs - t) / (1 - t)
    assert above.rhs == (sampled.rhs - u) / (1 - u)
    assert below.requires == {sp.Le(sampled.rhs, 1, evaluate=False)}
    assert above.requires == {sp.Ge(sampled.rhs, 1, evaluate=False)}
    assert below.spends == d1 + d2 == above.spends
    assert below.assumptions >= sampled.assumptions | {"A1"}


def test_limits_of_the_collisions_refuse_other_facts():
    low, _ = collision_limits(S, d2)
    sampled = contrast(HINGE)
    with pytest.raises(InvalidProof, match="is not the expected loss of these margins"):
        jensen_between(LOGISTIC, f, sp.S.One, s, sampled, low)
    with pytest.raises(InvalidProof, match="no limit of the probability of a collision with k negatives"):
        jensen_between(HINGE, f, k, s, hoeffding(UMean(P, margin_loss(HINGE, f, k, s)), d1), low)
    with pytest.raises(InvalidProof, match="no limit of the probability of a collision"):
        jensen_between(HINGE, f, sp.S.One, s, sampled, sampled)
    for sample in (
        Sample("S", Declared("n", "count"), (("f", "A2"),), fixed=True),
        Sample("S", Declared("n", "count"), (("f", "A2"),), hidden=True),
    ):
        with pytest.raises(InvalidProof, match="say nothing about the prior"):
            collision_limits(sample, d2)
    with pytest.raises(InvalidProof, match="is no loss of margins"):
        margin_loss(Declared("softmax", "other"), f, k, s)


def test_a_loss_of_the_worst_of_k_items_looks_at_one_and_k():
    loss = margin_loss(HINGE, f, k, s)
    assert isinstance(loss, Worst)
    assert MeanClassifier(HINGE, f, s, k) != MeanClassifier(HINGE, f, s, sp.S.One)


def test_a_computed_mean_carries_its_rounding():
    number, rounding = (Declared(name, "amount", ("P", "f")) for name in ("number", "rounding"))
    mean = UMean(P, margin_loss(HINGE, f, sp.S.One, s))
    assert computed(mean, number, rounding).rhs == number + rounding


@pytest.mark.slow
@BOTH
def test_searches_find_no_counterexample(kind):
    assert JENSEN[kind].check().holds
