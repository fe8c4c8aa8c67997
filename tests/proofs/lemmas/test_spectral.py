"""The squared loss of scaled class means: formula, tight instance, and the ranges its two means rest on."""

import pytest
import sympy as sp

from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.lemmas.reading import read
from bounds.proofs.lemmas.spectral import SQUARED, aligned, scaled_means, similar
from bounds.proofs.ranges import B, interval, span
from bounds.proofs.terms import TV, Declared, Dot, E, Given, Mean, Sample, UMean
from tests.proofs.setting import FIXED, P, d1, f, m

alpha, smallest = Declared("alpha", "amount", ("P", "f")), Declared("p_min", "constant")
P_, N_ = E(aligned(f)), E(similar(f))


def test_the_square_of_scaled_means():
    fact = scaled_means(f, alpha, smallest)
    assert fact.lhs == MeanClassifier(SQUARED, f, alpha)
    assert sp.expand(fact.rhs - (1 - 2 * alpha * P_ + alpha**2 / smallest * N_)) == 0
    assert fact.assumptions == {"A1", "A5"}


def test_it_is_attained_by_orthogonal_collapsed_classes():
    # f(x) = e_c, uniform prior: P = 1, N = 1/K, and the loss of alpha is (1 - alpha)^2.
    fact = scaled_means(f, alpha, smallest)
    for scale in (sp.S.Zero, sp.Rational(1, 3), sp.S.One, sp.Integer(2)):
        found = fact.rhs.xreplace(
            {P_: sp.S.One, N_: sp.Rational(1, 4), smallest: sp.Rational(1, 4), alpha: scale}
        )
        assert found == (1 - scale) ** 2


def test_ranges_of_alignment_and_similarity():
    assert read(Mean(P, aligned(f))).range.width == span
    assert (interval(similar(f)).low, interval(similar(f)).high) == (0, B**4)
    assert read(UMean(P, similar(f))).count == sp.floor(m / 2)


def test_the_alignment_within_a_class_is_a_squared_length():
    found = interval(Given(aligned(f)))
    assert (found.low, found.high, found.assumptions) == (0, B**2, {"A1", "A4"})
    # Of the views of different items it is not.
    assert interval(Given(Dot(*(similar(f).base.args)))).low == B**2 - span


def test_fixed_counts_move_the_alignment_by_the_range_of_its_class_means():
    lower = hoeffding(Mean(FIXED, aligned(f)), d1, upper=False)
    assert lower.rhs.coeff(TV(FIXED)) == B**2
    upper = hoeffding(UMean(FIXED, similar(f)), d1)
    assert upper.rhs.coeff(Min(1, 1 / m + 2 * TV(FIXED))) == B**4


def test_a_squared_length_is_claimed_for_views_of_one_class_alone():
    anything = Sample("P", m, P.apart, paired=True, fixed=True, views="label")
    assert hoeffding(Mean(anything, aligned(f)), d1).assumptions >= {
        "A1",
        "label",
    }  # which `conclude` refuses


def test_odd_powers_of_what_may_be_negative_have_no_range():
    with pytest.raises(InvalidProof, match="No range is known"):
        interval(similar(f).base ** 3)
