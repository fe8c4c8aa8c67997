"""Lemmas for every item, and balls of heads: what they state, where they are tight, what they refuse."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.lemmas.geometry import (
    bounded,
    head_ball,
    operator,
    projected,
    root_mean_square,
    triangle,
    two_decisions,
)
from bounds.proofs.ranges import tau
from bounds.proofs.terms import (
    Apply,
    Declared,
    Differ,
    E,
    InBall,
    Mean,
    Norm,
    OpNorm,
    Project,
    Rad,
    Wrong,
    view,
)
from bounds.proofs.world import checked
from tests.proofs.setting import P, S, V, W, apart, f, number, residual, t, y, z, z2

K = Declared("K", "count")
MEMBER = InBall(Declared("V'", "head", (), True), t)


@pytest.mark.parametrize(
    "fact",
    [
        operator(W, z),
        operator(W - V, z - z2),
        triangle(z, z - z2, z2),
        bounded(z),
        bounded(z - z2),
        projected(Apply(W, z), y),
        projected(Apply(W, z), Apply(V, z2)),
        two_decisions(W, V, z, y),
        root_mean_square(Mean(S, Norm(z))),
    ],
    ids=str,
)
def test_they_hold_in_random_worlds(fact):
    found = checked(fact)
    assert found.holds, found.detail
    assert "random worlds" in found.detail


def test_what_they_state():
    assert operator(W, z).rhs == OpNorm(W) * Norm(z)
    assert bounded(z - z2).rhs == tau
    assert bounded(z - z2).assumptions == {"A4"}
    assert projected(Apply(W, z), y).lhs == Norm(Project(Apply(W, z)) - y)
    assert projected(Apply(W, z), Apply(V, z)).assumptions == frozenset()
    decisions = two_decisions(W, V, z, y)
    assert decisions.lhs == Wrong(W, z, y)
    assert decisions.rhs == Wrong(V, z, y) + Differ(W, z, V, z)
    assert root_mean_square(Mean(S, Norm(z))).rhs == sp.sqrt(Mean(S, Norm(z) ** 2))


def test_refusals():
    with pytest.raises(InvalidProof, match="not a mean"):
        root_mean_square(E(apart))
    with pytest.raises(InvalidProof, match="neither a prediction nor a label"):
        projected(z, y)
    with pytest.raises(InvalidProof, match="neither a prediction nor a label"):
        projected(Apply(W, z), view(0, 0))


@pytest.mark.parametrize(
    ("complexity", "message"),
    [
        (t, "not the complexity of a ball"),
        (Rad(P, f, apart), "not the complexity of a ball"),
        (Rad(P, MEMBER, apart), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, residual), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, Norm(Apply(MEMBER, z))), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, Norm(Apply(MEMBER, z) - Apply(W, z))), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, Norm(Apply(MEMBER, z) + Apply(W, z) - y)), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, Norm(Apply(MEMBER, z) - y) ** 2), "not the loss of a head of the ball"),
        (Rad(P, MEMBER, Norm(Apply(MEMBER, y) - y)), "not the loss of a head of the ball"),
    ],
)
def test_balls_are_about_losses_of_their_members(complexity, message):
    with pytest.raises(InvalidProof, match=message):
        head_ball(complexity, K)


def test_a_ball_of_heads_and_its_two_constants():
    loss = Rad(P, MEMBER, Norm(Apply(MEMBER, z) - y))
    assert float(number(head_ball(loss, K).rhs, t=3, K=5, B=2)) == pytest.approx(6 * math.sqrt(10), rel=1e-12)
    gaussian = head_ball(loss, K, gaussian=True)
    assert float(number(gaussian.rhs, t=3, K=5, B=2)) == pytest.approx(
        6 * math.sqrt(5 * math.pi / 2), rel=1e-12
    )
    assert gaussian.assumptions == {"A4"}
    projected_loss = Rad(P, MEMBER, Norm(Project(Apply(MEMBER, z)) - y))
    assert head_ball(projected_loss, K).rhs == head_ball(loss, K).rhs


def test_views_that_are_told_apart_and_squares_around_their_middle():
    from bounds.proofs.lemmas.geometry import corrected, polarised, told_apart
    from bounds.proofs.terms import Correction, Cross, Predicted
    from tests.proofs.test_facts import fact

    apart_views = told_apart(W, z, z2, y)
    assert apart_views.assumptions == {"label"}
    assert apart_views.rhs == Wrong(W, z, y) + Wrong(W, z2, y)
    assert checked(apart_views).holds
    one, two = Project(Apply(W, z)), Project(Apply(W, z2))
    middle = polarised(one, two, y)
    assert "random worlds" in checked(middle).detail
    assert checked(middle).holds
    assert checked(fact(middle.rhs, middle.lhs)).holds  # an identity
    assert Cross(one, two, y) in middle.rhs.args
    plain = polarised(Apply(W, z), Apply(W, z2), y)
    assert checked(plain).holds
    assert checked(fact(plain.rhs, plain.lhs)).holds
    assert not plain.rhs.has(Cross)  # which is at least zero on the simplex alone
    assert not polarised(one, Apply(W, z2), y).rhs.has(Cross)
    assert corrected(W, z, y).rhs == Predicted(W, z) + Correction(W, z, y)
