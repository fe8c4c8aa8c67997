"""Heads near a centre: what their complexity says, that both factors are needed, and what is refused."""

import math

import numpy as np
import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.choices import one_of
from bounds.proofs.dependence import generic_members
from bounds.proofs.lemmas.centred import NEAR, RAMP, Distance, Ramp, near, near_ball, ramp
from bounds.proofs.lemmas.concentration import bernstein, uniform
from bounds.proofs.lemmas.reading import read
from bounds.proofs.ranges import B, interval, length, tau
from bounds.proofs.terms import (
    Apply,
    Declared,
    E,
    Enc,
    Energy,
    Mean,
    Near,
    Norm,
    OpNorm,
    Project,
    Rad,
    Sample,
    Stretch,
    Wrong,
    label,
    view,
)
from tests.proofs.setting import S, W, d1, double, f, n, y, z

Q = Sample("Q", n, (("f", "A2"), ("rest", "A6")))
METRICS = one_of(Declared("M", "count"), "metric", "index", ("S",), before=("rest",))
beta, gamma, K = Declared("beta", "constant"), Declared("gamma", "constant"), Declared("K", "count")
METRIC = METRICS.generic
BALL = near(W, beta, METRIC)
LOSSES = (Norm(Project(Apply(W, z)) - y), Norm(Apply(W, z) - y))


def complexity(term, sample=Q, family=BALL):
    return Rad(sample, family.generic, term.xreplace({W: family.generic}))


def test_a_ball_requires_that_the_head_is_inside():
    assert BALL.requires == {sp.Le(Distance(W, METRIC), beta, evaluate=False)}
    assert isinstance(BALL.generic, Near)
    assert generic_members(BALL.generic) == {BALL.generic.args[0], METRIC}
    assert generic_members(complexity(LOSSES[0])) == {METRIC}


@pytest.mark.parametrize("term", LOSSES, ids=str)
def test_losses_that_move_no_more_than_the_output(term):
    fact = near_ball(complexity(term), K)
    moment = E(Energy(METRIC, z))
    value = double(fact.rhs.xreplace({moment: sp.Integer(5)}), beta=3, K=7)
    assert value == pytest.approx(math.sqrt(math.pi / 2) * 3 * math.sqrt(7 * 5), rel=1e-12)


def test_the_ramp_moves_by_root_two_over_its_width():
    fact = near_ball(complexity(Ramp(W, z, y, gamma)), K)
    value = double(fact.rhs.xreplace({E(Energy(METRIC, z)): sp.Integer(5)}), beta=3, K=7, gamma=0.4)
    expected = math.sqrt(2) / 0.4 * math.sqrt(math.pi / 2) * 3 * math.sqrt(7 * 5)
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_root_of_half_pi_is_attained_by_one_item():
    # One item, a ball of one direction: E sup |xi| = 1, and sqrt(pi/2) E|g| = 1.
    drawn = np.abs(np.random.default_rng(0).normal(size=10**6)).mean()
    factor = double(
        near_ball(complexity(LOSSES[0]), K).rhs.xreplace({E(Energy(METRIC, z)): sp.S.One}), beta=1, K=1
    )
    assert factor * drawn == pytest.approx(1, rel=3e-3)


def test_the_ramp_is_above_the_error():
    fact = ramp(W, z, y, gamma)
    assert (fact.lhs, fact.rhs) == (Wrong(W, z, y), Ramp(W, z, y, gamma))
    assert (interval(fact.rhs).low, interval(fact.rhs).high) == (0, 1)


def test_the_second_moment_is_bounded_by_the_stretch_of_the_metric():
    found = read(Mean(Q, Energy(METRIC, z)))
    assert (found.range.low, found.range.high) == (0, Stretch(METRIC) ** 2 * B**2)
    assert found.assumptions == {"A2", "A4", "A6"}


def test_a_metric_chosen_after_the_data_is_paid_for():
    chosen = Mean(Q, Energy(METRICS.chosen, z))
    with pytest.raises(InvalidProof, match="depends on S"):
        bernstein(chosen, d1)
    assert bernstein(chosen, d1, over=(METRICS,)).spends == d1


def test_the_head_may_be_fitted_on_the_counted_items():
    family = near(W, beta, METRICS.chosen)
    fact = uniform(Mean(Q, LOSSES[0]), d1, family, over=(METRICS,))
    assert fact.lhs == E(LOSSES[0])
    assert fact.requires == {sp.Le(Distance(W, METRICS.chosen), beta, evaluate=False)}
    assert fact.assumptions == {"A2", "A6"}


def test_a_ball_around_a_centre_says_nothing_about_norms():
    high, _ = length(Apply(BALL.generic, z - Enc(f, view(0, 1))))
    assert high == OpNorm(BALL.generic) * tau
    assert BALL.generic.args[0].generic


FIXED = Sample("Q", n, Q.apart, fixed=True)
OTHER = Enc(f, view(0, 1))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (lambda: Rad(Q, W, LOSSES[0]), "not the complexity of heads near a centre"),
        (lambda: E(LOSSES[0]), "not the complexity of heads near a centre"),
        (lambda: complexity(LOSSES[0], FIXED), "do not have one law"),
        (lambda: complexity(2 * LOSSES[0]), "is not the loss"),
        (lambda: complexity(LOSSES[0] ** 2), "is not the loss"),
        (lambda: complexity(Wrong(W, z, y)), "is not the loss"),
        (lambda: complexity(Norm(Apply(W, OTHER) - y)), "is not the loss"),
        (lambda: complexity(Ramp(W, z, label(1), gamma)), "is not the loss"),
        (lambda: Rad(Q, BALL.generic, LOSSES[0]), "is not the loss"),
        (lambda: complexity(Norm(Apply(W, 2 * z) - y)), "is not the loss"),
    ],
)
def test_other_classes_and_losses_are_refused(found, message):
    with pytest.raises(InvalidProof, match=message):
        near_ball(found(), K)


def test_heads_fitted_on_all_of_s_are_refused_without_a_class():
    with pytest.raises(InvalidProof, match="depends on S"):
        read(Mean(Q, LOSSES[0]))
    with pytest.raises(InvalidProof, match="depends on S"):
        read(Mean(S, LOSSES[0]))


@pytest.mark.slow
@pytest.mark.parametrize("lemma", [NEAR, RAMP], ids=["near", "ramp"])
def test_searches_find_no_counterexample(lemma):
    assert lemma.check is not None
    assert lemma.check().holds
