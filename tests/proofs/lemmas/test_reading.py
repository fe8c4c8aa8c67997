"""What is read off a mean, and the shift from fixed class counts to the prior."""

import pytest
import sympy as sp

from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.reading import class_shift, read
from bounds.proofs.ranges import B, span, tau
from bounds.proofs.terms import (
    TV,
    Dot,
    E,
    Enc,
    Fresh,
    Given,
    Mean,
    Norm,
    Reach,
    Sample,
    UMean,
    view,
)
from tests.proofs.setting import FIXED, P, S, W, apart, d1, f, m, n, residual, wrong, z, z2

HELD = Sample("H", n, (("f", "H"), ("P", "H"), ("S", "H")), ("H",), paired=True)
TWO = Dot(z, z2) - Dot(z, Enc(f, view(1, 0)))


def test_a_mean_says_what_it_is():
    found = read(Mean(P, apart))
    assert (found.range.width, found.count, found.expectation) == (tau, m, E(apart))
    assert found.assumptions == {"A1", "A3", "A4", "A6"}
    assert read(Mean(S, Norm(z))).assumptions == {"A2", "A4", "A6"}
    assert read(Mean(S, Fresh(apart))).expectation == E(apart)
    assert read(Mean(HELD, wrong)).assumptions == {"A5", "H"}  # of pairs, where a label is a class


def test_a_sum_of_means_is_read_as_one():
    found = read(2 * Mean(S, Norm(z)) + Mean(S, Fresh(apart)))
    assert found.range.width == 2 * B + tau
    assert found.expectation == 2 * E(Norm(z)) + E(apart)


def test_tuples_count_disjoint_ones():
    found = read(UMean(P, TWO))
    assert (found.count, found.range.width) == (sp.floor(m / 2), 2 * span)
    assert found.assumptions >= {"A1"}


@pytest.mark.parametrize(
    ("total", "message"),
    [
        (lambda: E(apart), "not a mean over a sample"),
        (lambda: Mean(S, residual), "depends on S"),
        (lambda: Mean(S, Norm(z)) + Mean(P, apart), "different samples"),
        (lambda: Mean(P, TWO), "is a U-statistic"),
        (lambda: Mean(Sample("P", m, (("f", "A3"),), fixed=True, hidden=True), Norm(z)), "is hidden"),
        (lambda: Mean(S, Norm(z)) * Mean(S, Norm(z)) * 1, "not a mean over a sample"),
    ],
)
def test_what_is_not_a_mean_is_refused(total, message):
    with pytest.raises(InvalidProof, match=message):
        read(total())


def test_fixed_counts_add_range_times_distance_on_either_side():
    upper, lower = hoeffding(Mean(FIXED, apart), d1), hoeffding(Mean(FIXED, apart), d1, upper=False)
    assert upper.rhs.coeff(TV(FIXED)) == tau
    assert lower.rhs.coeff(TV(FIXED)) == tau
    assert (upper.lhs, lower.lhs) == (E(apart), Mean(FIXED, apart))


def test_fixed_counts_of_pairs_of_items():
    fact = hoeffding(UMean(FIXED, TWO), d1)
    shift = Min(1, 1 / m + 2 * TV(FIXED))
    # Given the classes, a pair is alike by at most B² and by no less than nothing.
    assert sp.expand(fact.rhs.coeff(shift) - span - B**2) == 0


def test_class_shift_is_attained_where_the_sample_shows_one_class():
    fact = class_shift(residual, S)
    # Loss 0 on the class seen, kappa on the other of probability q: E = q·kappa, TV = q.
    assert fact.rhs == Mean(S, Given(residual)) + Reach(W) * TV(S)


def test_class_shift_is_about_single_items():
    with pytest.raises(InvalidProof, match="looks at 2 items"):
        class_shift(TWO, P)


def test_a_mean_less_a_number_is_read_with_it():
    found = read(1 - Mean(S, wrong))
    assert found.term == 1 - wrong
    assert found.expectation == 1 - E(wrong)
    with pytest.raises(InvalidProof, match="not a mean over a sample"):
        read(sp.Integer(1))
