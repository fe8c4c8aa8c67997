"""What is read off a mean, and the shift from fixed class counts to the prior."""

import pytest
import sympy as sp

from bounds.derivations.functions import Min
from bounds.errors import InvalidProof
from bounds.proofs.choices import ball
from bounds.proofs.facts import Event
from bounds.proofs.lemmas.batches import batched
from bounds.proofs.lemmas.concentration import (
    bernstein,
    class_frequencies,
    counted,
    hoeffding,
    kl_limit,
    uniform,
)
from bounds.proofs.lemmas.contrastive import infonce_loss
from bounds.proofs.lemmas.pac_bayes import Gibbs, pac_bayes
from bounds.proofs.lemmas.reading import class_shift, failing, read
from bounds.proofs.ranges import B, span, tau
from bounds.proofs.terms import (
    TV,
    Dot,
    E,
    Enc,
    Fresh,
    Frobenius,
    Given,
    Mean,
    Norm,
    Reach,
    Sample,
    UMean,
    view,
)
from tests.proofs.setting import FIXED, P, S, V, W, apart, d1, d2, f, k, m, n, residual, t, wrong, y, z, z2

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


@pytest.mark.parametrize(
    ("lemma", "total", "more"),
    [
        (hoeffding, Mean(P, apart), ()),
        (kl_limit, Mean(P, apart), ()),
        (bernstein, Mean(P, apart), ()),
        (counted, Mean(HELD, wrong), ()),
        (uniform, Mean(P, apart), (ball(W, tau, Frobenius),)),
        (batched, UMean(P, infonce_loss(f, k, t)), ()),
        (pac_bayes, Mean(HELD, Gibbs(V, W, z, y)), ()),
    ],
)
def test_an_event_is_called_what_it_is_called_or_by_what_it_is_about(lemma, total, more):
    named, plain = (lemma(total, d1, *more, **name).events for name in ({"what": "mine"}, {}))
    assert named == {Event("mine", d1)}
    ((said),) = {event.what for event in plain}
    assert str(more[0].chosen if more else total.args[0]) in said


@pytest.mark.parametrize("lemma", [hoeffding, kl_limit, bernstein])
def test_at_fixed_class_counts_independent_items_are_enough_on_either_side(lemma):
    """Only the distance of the counts from the prior is added, or taken off."""
    for upper, left, right in ((True, E(apart), Mean(FIXED, apart)), (False, Mean(FIXED, apart), E(apart))):
        fact = lemma(Mean(FIXED, apart), d1, upper=upper)
        assert fact.lhs.has(left)
        assert fact.rhs.has(right)
        assert fact.rhs.has(TV(FIXED))
        assert fact.spends == d1


def test_where_a_sample_may_not_follow_its_law_that_is_paid():
    thinned = Sample("P", m, chosen="thinned", share=d2)
    assert failing(S, "lemma", d1) == {Event("lemma", d1)}
    assert failing(thinned, "lemma", d1) == {Event("lemma", d1), Event("thinned", d2)}
    assert class_frequencies(thinned, d1, k).spends == d1 + d2


@pytest.mark.parametrize("law", [{"fixed": True}, {"hidden": True}])
def test_counts_that_are_fixed_or_unknown_say_nothing_about_the_prior(law):
    with pytest.raises(InvalidProof, match="say nothing about the prior"):
        class_frequencies(Sample("S", n, **law), d1, k)
    assert failing(Sample("S", n, **law), "lemma", d1) == {Event("lemma", d1)}


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


def test_fixed_counts_of_three_items():
    three = Dot(z, z2) - Dot(z, Enc(f, view(1, 0))) - Dot(z, Enc(f, view(2, 0)))
    fact = hoeffding(UMean(FIXED, three), d1)
    assert Min(1, 3 / m + 3 * TV(FIXED)) in fact.rhs.atoms(Min)  # 3·2/(2m)


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
