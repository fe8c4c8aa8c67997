"""Ranges are reached, signs and directions are decided structurally, and what is unknown is refused."""

import pytest
import sympy as sp

from bounds.derivations.functions import (
    Max,
    Min,
    clopper_pearson,
    clopper_pearson_counts,
    kl_inverse,
    softplus,
)
from bounds.errors import InvalidProof
from bounds.proofs.lemmas.agreement import ClassLimit
from bounds.proofs.ranges import (
    B,
    direction,
    interval,
    nonnegative,
    on_box,
    positive,
    span,
    tau,
)
from bounds.proofs.terms import (
    Apply,
    Correction,
    Cross,
    Dot,
    E,
    Enc,
    Energy,
    Fresh,
    Given,
    Hinge,
    InBall,
    Least,
    Negatives,
    Norm,
    OpNorm,
    Project,
    Reach,
    Remainder,
    Spread,
    Stretch,
    Worst,
    Wrong,
    view,
)
from tests.proofs.setting import V, W, a, apart, d1, d2, f, k, n, residual, t, wrong, y, z, z2

ZB = Enc(f, view(1, 0))
SPREAD = Dot(z, z2) - Dot(z, ZB)
UNSURE = Remainder(ClassLimit(Given(wrong)), t)
RANGES = [
    (apart, 0, tau, {"A4"}),
    (Norm(z), 0, B, {"A4"}),
    (Norm(z - ZB), 0, tau, {"A4"}),
    (residual, 0, Reach(W), {"A4"}),
    (Norm(y - Apply(W, z)), 0, Reach(W), {"A4"}),
    (Norm(Apply(InBall(V, t), z) - y), 0, 1 + t * B, {"A4"}),
    (Norm(Apply(W, z - z2)), 0, OpNorm(W) * tau, {"A4"}),
    (Norm(Apply(InBall(V, t), z - z2)), 0, t * tau, {"A4"}),
    (Norm(Project(Apply(W, z)) - y), 0, sp.sqrt(2), set()),
    (Norm(Project(Apply(W, z)) - Project(Apply(V, z))), 0, sp.sqrt(2), set()),
    (SPREAD, -span, span, {"A4"}),
    (Dot(z, ZB), B**2 - span, B**2, {"A4"}),
    (Dot(z, ZB) ** 2, 0, B**4, {"A4"}),
    (Given(Dot(z, z2)), 0, B**2, {"A1", "A4"}),
    (Hinge(SPREAD), Max(0, 1 - span), 1 + span, {"A4"}),
    (Worst(k, Hinge(SPREAD)), Max(0, 1 - span), 1 + span, {"A4"}),
    (sp.log(1 + sp.exp(-SPREAD)), softplus(-span), softplus(span), {"A4"}),
    (Negatives(k, sp.exp(SPREAD)), k * sp.exp(-span), k * sp.exp(span), {"A4"}),
    (sp.log(1 + Negatives(k, sp.exp(SPREAD))), softplus(sp.log(k) - span), softplus(sp.log(k) + span), {"A4"}),
    (apart**2 / 2, 0, tau**2 / 2, {"A4"}),
    (apart * residual, 0, tau * Reach(W), {"A4"}),
    (3 - 2 * apart, 3 - 2 * tau, 3, {"A4"}),
    (Hinge(sp.Rational(3, 2) * wrong), 0, 1, set()),
    (wrong, 0, 1, set()),
    (Correction(W, z, y), -1, 1, set()),
    (Cross(Project(Apply(W, z)), Project(Apply(V, z2)), y), 0, 2, set()),
    (UNSURE, Least(UNSURE), Least(UNSURE) + Spread(UNSURE), set()),
    (Energy(t, z), 0, (Stretch(t) * B) ** 2, {"A4"}),
    (Fresh(apart), 0, tau, {"A4"}),
    (a, a, a, set()),
    (apart - Fresh(apart), -tau, tau, {"A4"}),
    (apart + Given(apart) * residual, 0, tau + tau * Reach(W), {"A4"}),
    (apart - E(apart), -E(apart), tau - E(apart), {"A4"}),
    (E(apart), E(apart), E(apart), set()),
]  # fmt: skip


@pytest.mark.parametrize(("term", "low", "high", "assumed"), RANGES, ids=[str(one[0])[:40] for one in RANGES])
def test_ranges(term, low, high, assumed):
    found = interval(term)
    assert (found.low, found.high) == (low, sp.expand(high))
    assert found.assumptions == assumed
    assert sp.expand(found.width - (high - low)) == 0


@pytest.mark.parametrize(
    ("term", "message"),
    [
        (a * apart, "grows or falls"),
        (SPREAD * apart, "grows or falls"),
        (sp.sqrt(SPREAD), "grows or falls"),
        (apart - apart**2, "both grows and falls"),
        (sp.sin(apart), "No range is known"),
        (1 / (1 + apart), "No range is known"),
        (Dot(z, y), "No range is known"),
        (Given(Dot(z, y)), "No range is known"),
        (Norm(z + Apply(W, z)), "for the length"),
        (Norm(y), "for the length"),
        (Norm(z + z2), "for the length"),
        (Norm(Apply(W, z) - Apply(V, z2)), "for the length"),
        (Norm(Project(Apply(W, z))), "for the length"),
        (Norm(view(0, 0)), "for the length"),
        (Norm(2 * Apply(W, z)), "for the length"),
    ],
)
def test_unknown_ranges_are_refused(term, message):
    with pytest.raises(InvalidProof, match=message):
        interval(term)


@pytest.mark.parametrize(
    "term",
    [
        sp.Integer(0), n, t, d1, apart, OpNorm(W), residual + t, t * apart, 
        1 - d1, d1 - d1 * d2,
        1 - d1 - d2 + d1 * d2, Max(0, a), Min(n, t), sp.exp(a), a**2, E(apart),
        kl_inverse(a, t), clopper_pearson(n, n, d1), Wrong(W, z, y), sp.sqrt(n), sp.log(1 + apart),
    ],
    ids=str,
)  # fmt: skip
def test_signs_that_are_known(term):
    assert nonnegative(term)


@pytest.mark.parametrize(
    "term",
    [sp.Integer(-1), a, -n, n - 1, apart - t, sp.log(d1), sp.log(t), sp.log(n / d1), t * a, Max(a, -n), Min(a, n),
     d1 - d2, d1 * 2 - 1, a**3, E(SPREAD),
     d1**2 - d1 + sp.Rational(1, 5), sp.log(a / d1), sp.log(t * n)],
    ids=str,
)  # fmt: skip
def test_signs_that_are_not(term):
    assert not nonnegative(term)


def test_corners_of_the_box_decide_for_what_is_linear_in_each_level():
    assert on_box(1 - d1 * d2)
    assert not on_box(d1 + d2 - 1)
    assert not on_box(d1**2)
    assert not on_box(t - d1)
    assert not on_box(a)


@pytest.mark.parametrize(
    ("term", "expected"),
    [(sp.Integer(2), True), (sp.Integer(0), False), (n, True), (n * t, True), (1 / n, True),
     (1 + apart, True), (apart, False), (1 - t, False), (a, False), (sp.exp(a), True), (n - 1, False),
     (1 - d1, False), (a + n, False)],
)  # fmt: skip
def test_what_is_surely_positive(term, expected):
    assert positive(term) is expected


@pytest.mark.parametrize(
    ("term", "way"),
    [(a, 1), (n, 0), (a + n, 1), (-a, -1), (n - t * a, -1), (sp.sqrt(apart + n), 0), (kl_inverse(a, n), 1),
     (kl_inverse(n, sp.log(1 + a)), 1), (clopper_pearson(a, n, d1), 1), (sp.exp(-a), -1), (Max(a, n), 1),
     (t * kl_inverse(Min(1, a / t), n), 1)],
)  # fmt: skip
def test_directions(term, way):
    assert direction(term, a) == way


@pytest.mark.parametrize(
    ("term", "q", "message"),
    [
        (a - sp.exp(a), a, "both grows and falls"),
        (a * sp.exp(a), a, "not known"),
        (a * t * (n - t), a, "not known"),
        (a * (n - t), a, "not known"),
        (clopper_pearson(n, a, d1), a, "not known"),
        (sp.sin(a), a, "not known"),
        (a**n, a, "not known"),
        (-a * n * sp.Symbol("q"), a, "not known"),
    ],
)
def test_directions_that_are_not_known_are_refused(term, q, message):
    with pytest.raises(InvalidProof, match=message):
        direction(term, q)


def test_a_limit_grows_in_the_ones_and_falls_in_the_zeros_and_its_level():
    assert direction(clopper_pearson(n, n, d1), d1) == -1
    assert direction(clopper_pearson_counts(a, n, d1), a) == 1
    assert direction(clopper_pearson_counts(n, a, d1), a) == -1
    assert direction(clopper_pearson_counts(n, n, d1), d1) == -1
    assert direction(1 / d1, d1) == -1
