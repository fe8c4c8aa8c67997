"""Lemmas about InfoNCE: what they read off the loss, their constants typed a second time, what they refuse."""

import math

import pytest
import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.contrastive import (
    COVERAGE,
    HALVES,
    SOFTMAX,
    SOFTMAX_OF_MEANS,
    WITHOUT_POSITIVE,
    MeanClassifier,
    covered,
    infonce_loss,
    softmax_of_means,
    softmax_without_positive,
)
from bounds.proofs.lemmas.reading import read
from bounds.proofs.terms import Declared, E, Norm, Sample, UMean
from tests.proofs.setting import P, apart, d1, double, f, k, m, t, z

LOSS = infonce_loss(f, k, t)
TARGET = MeanClassifier(SOFTMAX, f, t)
K, p = Declared("K", "count"), Declared("p_min", "constant")
free, col, v = (
    Declared("no_collision", "constant"),
    Declared("log_collisions", "constant"),
    Declared("coverage", "constant"),
)


def at_loss(fact, loss, **values):
    return double(fact.rhs.xreplace({E(LOSS): sp.Float(loss)}), **values)


def rest(fact, **values):
    return at_loss(fact, 9.0, **values) - 9


def test_the_loss_is_read_as_a_tuple_of_one_and_k_items():
    found = read(UMean(P, LOSS))
    assert found.count == sp.floor(m / (k + 1))
    spread = double(found.range.width, negatives=3, k=3, span=2, t=0.5)
    assert spread == pytest.approx(math.log((1 + 3 * math.exp(4)) / (1 + 3 * math.exp(-4))), rel=1e-12)
    assert found.assumptions == {"A1", "A3", "A4", "A6"}


def test_the_range_does_not_overflow():
    assert double(read(UMean(P, LOSS)).range.width, k=7, span=2, t=1e-4) == pytest.approx(
        2e4 + math.log(7), rel=1e-9
    )


def test_the_softmax_of_means():
    plain, exact = (softmax_of_means(LOSS, p, one) for one in (False, True))
    assert plain.lhs == exact.lhs == TARGET
    assert plain.assumptions == {"A1", "A4"}
    r, reach = 2 / 0.7, 2 / 0.7
    assert rest(plain, p_min=0.1, k=5, span=2, t=0.7) == pytest.approx(-math.log(0.6) + r**2 / 8, rel=1e-12)
    gap = math.log((math.exp(reach) - 1) / reach) - 1 + reach / (math.exp(reach) - 1)
    assert rest(exact, p_min=0.1, k=5, span=2, t=0.7) == pytest.approx(-math.log(0.6) + gap, rel=1e-12)


@pytest.mark.parametrize("loss", [0.2, 1.5, math.log(6), 4.0])
def test_below_chance_jensens_inequality_for_the_negatives_alone_is_sharper(loss):
    found = at_loss(softmax_of_means(LOSS, p, False), loss, p_min=0.1, k=5, span=2, t=0.7)
    both = loss - math.log(6), 6 / 5 * (loss - math.log(6))
    assert found == pytest.approx(min(both) - math.log(0.1) + (2 / 0.7) ** 2 / 8, rel=1e-12)


def test_the_softmax_of_means_is_attained_to_first_order_by_two_points():
    """Two classes at ±1 in one dimension, one negative, temperature t; typed from the definitions, not from the code."""
    k, t = 1, 40.0
    loss = (math.log(2) + math.log1p(math.exp(-2 / t))) / 2
    softmax = math.log1p(math.exp(-2 / t))
    limit = at_loss(softmax_of_means(LOSS, p, True), loss, p_min=0.5, k=k, span=2, t=t)
    assert softmax <= limit < softmax + 0.02 * (math.log(2) - softmax)


def test_coverage_of_the_others_is_attained_by_two_classes():
    """One negative of another class shows it: (1 − τ)·1·L_softmax + Col = L_nce with two points at ±1."""
    t = 0.5
    softmax = math.log1p(math.exp(-2 / t))
    fact = covered(LOSS, free, col, v)
    left = fact.lhs.xreplace({TARGET: sp.Float(softmax)})
    loss = (math.log(2) + softmax) / 2
    assert double(left, no_collision=0.5, coverage=1.0, log_collisions=math.log(2) / 2) == pytest.approx(loss)


def test_without_the_positive():
    found = softmax_without_positive(LOSS, K)
    expected = math.log(8 / 5) + 2 * math.log(math.cosh(1 / 0.7))
    assert rest(found, K=8, k=5, span=2, t=0.7) == pytest.approx(expected, rel=1e-12)
    assert found.lhs == TARGET
    assert found.assumptions == {"A1", "A4", "prior"}


def test_pairs_of_any_views_are_class_pairs_for_the_classifier():
    anything = Sample("P", m, P.apart, paired=True, views="")
    sampled = hoeffding(UMean(anything, LOSS), d1)
    assert "A1" not in sampled.assumptions
    for fact in (softmax_of_means(LOSS, p, True), softmax_without_positive(LOSS, K)):
        assert "A1" in fact.chain(sampled).assumptions


def test_coverage_and_halves():
    assert sp.expand(covered(LOSS, free, col, v).lhs - (free * v * TARGET + col)) == 0
    assert sp.expand(covered(LOSS, free, col, v, halves=True).lhs - (v * TARGET + col) / 2) == 0
    assert covered(LOSS, free, col, v).rhs == E(LOSS)
    assert covered(LOSS, free, col, v).assumptions == {"A1", "prior"}


@pytest.mark.parametrize(
    "loss", [apart, 2 * LOSS, LOSS + t, infonce_loss(f, k, t) ** 2, sp.log(2 + sp.exp(Norm(z)))], ids=str
)
def test_other_losses_are_refused(loss):
    with pytest.raises(InvalidProof, match="is not an InfoNCE loss"):
        softmax_of_means(loss, p, False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lemma",
    [COVERAGE, HALVES, WITHOUT_POSITIVE, *SOFTMAX_OF_MEANS.values()],
    ids=range(3 + len(SOFTMAX_OF_MEANS)),
)
def test_searches_find_no_counterexample(lemma):
    assert lemma.check is not None
    assert lemma.check().holds
