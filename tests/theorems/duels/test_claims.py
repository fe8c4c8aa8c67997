"""The claims of duels: what they state, assume and spend, and that the wealth of the proof is the one that is computed."""

import math

import pytest
import sympy as sp

from bounds.derivations.functions import Max
from bounds.duels.sequences import log_below_e_value, log_margin_e_values
from bounds.duels.signs import log_sign_e_value
from bounds.proofs.lemmas.betting import Bet, Positive
from bounds.proofs.terms import E
from bounds.theorems.duels import claims
from bounds.theorems.vocabulary import W, deltas, wrong


@pytest.mark.parametrize("claim", [claims.better, claims.not_worse, claims.below, claims.above])
def test_what_a_claim_assumes(claim):
    assert claim().assumptions == {"A3", "A6", "A7", "U", "order"}


def test_better_in_both_directions_costs_both_shares_and_a_target_the_larger():
    assert claims.better().plus(claims.better(False)).spends == deltas[0] + deltas[1]
    assert claims.not_worse().plus(claims.not_worse(False)).spends == deltas[2] + deltas[3]
    assert claims.below().plus(claims.above()).spends == Max(deltas[0], deltas[1])


def test_each_claim_says_what_it_says():
    assert claims.better().rhs == Positive(E(claims.OUTCOME))
    assert claims.better(False).rhs == Positive(-E(claims.OUTCOME))
    assert claims.not_worse().rhs == Positive(E(claims.OUTCOME) + claims.margin)
    assert claims.not_worse(False).rhs == Positive(-E(claims.OUTCOME) + claims.margin)
    assert claims.below().rhs == Positive(claims.target - E(wrong(W)))
    assert claims.above().rhs == 1 - Positive(claims.target - E(wrong(W)))


def factor(fact, outcome, values):
    """The factor of an item, with a number for the outcome, as a function of the stake."""
    (bet,) = fact.lhs.atoms(Bet)
    return bet.args[1].subs(outcome).subs(values)


def test_the_wealth_of_the_proof_is_the_one_of_the_duel():
    u = claims._stake
    right, other = claims.OUTCOME.args[0].xreplace({}), claims.OUTCOME
    del right
    plus, minus = (
        sp.expand(claims.better().lhs.atoms(Bet).pop().args[1].subs(other, sign)) for sign in (1, -1)
    )
    assert (plus, minus) == (1 + u, 1 - u)
    total = sp.integrate(plus**5 * minus**2, (u, 0, 1))
    assert math.exp(log_sign_e_value(5, 2)) == pytest.approx(float(total), rel=1e-12)


def test_the_wealth_of_the_proof_is_the_one_of_a_target():
    u, t = claims._stake, sp.Rational(1, 10)
    for fact, one in (
        (claims.below(), log_below_e_value(2, 9, 0.1)),
        (claims.above(), log_below_e_value(9, 2, 0.9)),
    ):
        bet = fact.lhs.atoms(Bet).pop().args[1].subs(claims.target, t)
        mistake, none = (sp.expand(bet.subs(wrong(W), one)) for one in (1, 0))
        total = sp.integrate(sp.expand(mistake**2 * none**9), (u, 0, 1))
        assert math.exp(one) == pytest.approx(float(total), rel=1e-9)


def test_the_wealth_of_the_proof_is_the_one_of_a_margin():
    import numpy as np

    from bounds.duels.sequences import STAKES

    bet = claims.not_worse().lhs.atoms(Bet).pop().args[1].subs(claims.margin, sp.Rational(1, 10))
    course = [1, 0, -1, 0, 1]
    total = 0.0
    for stake in STAKES:
        wealth = 1.0
        for one in course:
            wealth *= float(bet.subs(claims.OUTCOME, one).subs(claims.weight, 0.999 * stake))
        total += wealth / len(STAKES)
    assert math.exp(log_margin_e_values(np.array(course, float), 0.1)[-1]) == pytest.approx(total, rel=1e-12)
