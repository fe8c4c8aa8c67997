"""Bets: what is accepted, what each condition refuses, and that the threshold 1/δ cannot be smaller."""

import itertools
import math

import pytest
import sympy as sp

from bounds.derivations.functions import Max
from bounds.errors import InvalidProof
from bounds.proofs.lemmas.betting import Bet, Copies, Largest, Peak, Positive, Reached, past, verdict, ville
from bounds.proofs.terms import Declared, Differ, E, Mean, Sample, Wrong
from tests.proofs.setting import P, V, W, apart, d1, d2, f, n, wrong, y, z

APART = (("f", "H"), ("P", "H"), ("S", "H"))
T = Sample("T", n, APART, ("H",), order="order")
UNORDERED = Sample("T", n, APART, ("H",))
p, u, c = (Declared(name, "level") for name in ("p", "u", "c"))
B = Declared("copies", "count")
OUTCOME = Wrong(W, z, y) - Wrong(V, z, y)  # +1 where only V is right
NOT_WORSE = sp.Le(E(OUTCOME), 0, evaluate=False)
STAKES = [sp.Rational(1, 2**i) for i in range(4)]


def bet(stake, term=wrong, sample=T):
    return Bet(sample, 1 + stake * (p - term) / (1 - p))


def watched(sign=1, sample=T):
    return Peak(sp.Integral(Bet(sample, 1 + sign * u * OUTCOME), (u, 0, 1)))


# What is stated


def test_a_mixture_of_constant_stakes_limits_the_mean():
    process = Copies(B, sum(bet(stake) for stake in STAKES) / 4)
    fact = ville(process, p, wrong, d1)
    assert fact.lhs == E(wrong)
    assert fact.rhs == Largest(p, process, 1 / d1, Mean(T, wrong))
    assert {(one.what, one.share) for one in fact.events} == {("bets on T", d1)}
    assert fact.assumptions == {"H"}


def test_a_share_of_several_bets_is_a_share_of_their_means():
    half = sp.Rational(1, 2) * Copies(B, bet(1) + bet(c))
    assert ville(half, p, wrong, d1).rhs.args[1] == half


def test_stakes_from_earlier_items_need_an_order():
    x = (1 + wrong) / 2
    process = Bet(T, 1 - sp.Rational(9, 10) * past(T, "s") * (x - p))
    assert ville(process, p, x, d1).assumptions == {"H", "order"}
    with pytest.raises(InvalidProof, match="The order of T may depend on its items"):
        ville(Bet(UNORDERED, process.args[1]), p, x, d1)


def test_a_verdict_while_labels_come():
    fact = verdict(watched(), NOT_WORSE, d1)
    assert fact.lhs == Reached(watched(), 1 / d1)
    assert fact.rhs == Positive(E(OUTCOME))
    assert fact.assumptions == {"H", "order"}


def test_a_verdict_against_a_strict_null_says_that_the_mean_is_not_below():
    fact = verdict(watched(-1), sp.Lt(-E(OUTCOME), 0, evaluate=False), d1)
    assert fact.rhs == 1 - Positive(E(OUTCOME))


def test_two_verdicts_that_cannot_both_be_wrong_spend_the_larger_share():
    better, worse = (
        verdict(watched(), NOT_WORSE, d1),
        verdict(watched(-1), sp.Lt(-E(OUTCOME), 0, evaluate=False), d2),
    )
    assert better.plus(worse).spends == Max(d1, d2)
    both = verdict(watched(-1), sp.Le(-E(OUTCOME), 0, evaluate=False), d2)
    assert better.plus(both).spends == d1 + d2  # at equality both may be wrong
    other = verdict(
        Bet(T, 1 + u * (Differ(W, z, V, z) - 1)), sp.Le(E(Differ(W, z, V, z)) - 1, 0, evaluate=False), d2
    )
    assert better.plus(other).spends == d1 + d2


def test_a_sample_whose_law_may_fail_brings_its_event():
    thinned = Sample("T", n, APART, ("H",), chosen="thinned", share=d2)
    assert ville(bet(1, sample=thinned), p, wrong, d1).spends == d1 + d2


# The threshold


def test_all_in_bets_reach_one_over_delta_with_probability_delta():
    """Fair signs, everything staked on each: after r right ones the wealth is 2^r, which has probability 2^−r."""
    r = 5
    factor = watched().args[0].function.args[1].subs({u: 1})
    assert [factor.subs(OUTCOME, sign) for sign in (1, -1)] == [2, 0]
    reached = [
        math.prod(1 + sign for sign in signs) >= 2**r for signs in itertools.product((1, -1), repeat=r)
    ]
    assert sum(reached) / 2**r == 2.0**-r
    threshold = verdict(watched(), NOT_WORSE, d1).lhs.args[1]
    assert float(threshold.subs(d1, 2.0**-r)) == 2**r


# What is refused


@pytest.mark.parametrize(
    ("process", "message"),
    [
        (bet(1) + bet(sp.Rational(1, 2)), "may have the mean `2`, above one"),
        (bet(2), "may lose more than there is"),
        (2 * bet(1) - bet(c), "may be negative"),
        (Bet(T, 1 + (wrong - p) / p), "may fall in"),
        (bet(1) * bet(c), "No mean is known"),
        (sp.Rational(1, 2) * bet(1) * sp.Rational(3), "above one"),
        (sp.Rational(3, 4) * Copies(B, bet(1) + bet(c)), "may have the mean `3/2`, above one"),
        (Bet(T, 1 + c * (p - wrong**2) / (1 - p)), "may lose more than there is"),
        (Bet(T, 1 + c * p), "not a bet on one item"),
        (Bet(T, 1 + c * (1 - wrong)), "mean of the bet"),
        (Copies(B, bet(past(T, "s"))), "by the past of one order on other orders"),
        (Peak(bet(1, sample=UNORDERED)), "The order of T may depend on its items"),
        (Peak(Copies(B, bet(1))), "not watched in one order"),
        (sp.Rational(1, 2) * (Peak(bet(1)) + bet(1)), "No mean is known"),
        (sp.Rational(1, 2) * (bet(1) + bet(1, sample=P)), "on the items of one sample"),
        (sp.Integral(bet(u), (u, 0, 2)), "does not run over the stakes"),
        (sp.Integral(3 * u**2 * bet(u) * (1 - 2 * u), (u, 0, 1)), "may be negative"),
        (sp.Integral(2 * bet(u), (u, 0, 1)), "above one"),
        (bet(1, sample=Sample("T", n, APART, ("H",), fixed=True)), "class counts of T are fixed"),
        (bet(1, sample=Sample("T", n, (("f", "H"),), ("H",))), "depends on P, which is not independent of T"),
        (Bet(T, 1 + c * (p - wrong * Wrong(W, z, y)) / (1 - p)), "mean of the bet"),
    ],
    ids=str,
)
def test_a_process_that_is_no_fair_bet(process, message):
    with pytest.raises(InvalidProof, match=message):
        ville(process, p, wrong, d1)


def test_a_term_outside_the_levels_has_no_limit_among_them():
    with pytest.raises(InvalidProof, match=r"outside \[0, 1\]"):
        ville(bet(1, 2 * wrong), p, 2 * wrong, d1)
    with pytest.raises(InvalidProof, match=r"outside \[0, 1\]"):
        ville(bet(1, wrong - 1), p, wrong - 1, d1)


@pytest.mark.parametrize(
    ("process", "null", "message"),
    [
        (watched(-1), NOT_WORSE, "may gain under"),
        (watched(), sp.Ge(E(OUTCOME), 0, evaluate=False), "not of the form"),
        (watched(), sp.Le(E(OUTCOME), d1, evaluate=False), "not of the form"),
        (watched(), sp.Le(E(Wrong(W, z, y)) - 1, 0, evaluate=False), "mean of the bet"),
    ],
    ids=str,
)
def test_a_verdict_that_its_null_does_not_allow(process, null, message):
    with pytest.raises(InvalidProof, match=message):
        verdict(process, null, d1)


def test_a_bet_on_two_items_is_refused():
    from bounds.proofs.terms import Enc, Norm, view

    with pytest.raises(InvalidProof, match="not a bet on one item"):
        ville(Bet(T, 1 + c * Norm(z - Enc(f, view(1, 0)))), p, wrong, d1)
    with pytest.raises(InvalidProof, match="not a bet on one item"):
        ville(Bet(T, sp.S.One), p, wrong, d1)


def test_distances_are_refused_where_their_range_is_not_the_stake():
    with pytest.raises(InvalidProof, match="may lose more"):
        ville(Bet(P, 1 + (p - apart) / (1 - p)), p, wrong, d1)
