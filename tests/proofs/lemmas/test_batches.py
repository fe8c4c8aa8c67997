"""McDiarmid's inequality over batches: what it reads, its constants typed a second time, what it refuses."""

import math

import pytest
import sympy as sp
from scipy.stats import binom

from bounds.errors import InvalidProof
from bounds.proofs.lemmas.batches import BATCHES, batched
from bounds.proofs.lemmas.contrastive import infonce_loss
from bounds.proofs.terms import Declared, Dot, E, Enc, Mean, Sample, UMean, view
from tests.proofs.setting import FIXED, P, apart, d1, double, f, k, m, t, z, z2

LOSS = infonce_loss(f, k, t)


def radius(count, share, negatives=3, ratio=2.0):
    fact = batched(UMean(P, LOSS), d1)
    return double(fact.rhs - UMean(P, LOSS), k=negatives, span=ratio / 2, t=0.5, m=count, delta_1=share)


def moved(negatives, ratio):
    own = math.log((1 + negatives * math.exp(ratio)) / (1 + negatives * math.exp(-ratio)))
    return own + negatives * math.log((negatives + math.exp(ratio)) / (negatives + 1))


def test_one_of_n_items_in_batches_moves_the_mean():
    fact = batched(UMean(P, LOSS), d1)
    assert fact.lhs == E(LOSS)
    assert fact.spends == d1
    assert fact.assumptions == {"A1", "A3", "A4", "A6"}
    assert radius(43, 0.01) == pytest.approx(moved(3, 2.0) * math.sqrt(math.log(100) / 80), rel=1e-12)


def test_the_radius_is_tight_for_what_coins_move():
    # Items that each move the mean by C/n, either way: fair coins, far in the tail.
    size = 4 * 10**8
    far = radius(size, math.exp(-200)) / moved(3, 2.0)
    assert binom.logcdf(math.floor(size * (0.5 - far)), size, 0.5) <= -200
    assert binom.logcdf(math.floor(size * (0.5 - 0.975 * far)), size, 0.5) > -200


def test_the_logarithm_is_of_the_quotient():
    at = {share: radius(100, share) for share in (0.1, 0.05)}
    assert (at[0.05] ** 2 - at[0.1] ** 2) * 200 / moved(3, 2.0) ** 2 == pytest.approx(math.log(2), rel=1e-9)


def test_pairs_of_any_views_assume_nothing_about_them():
    anything = Sample("P", m, P.apart, paired=True, views="")
    assert batched(UMean(anything, LOSS), d1).assumptions == {"A3", "A4", "A6"}


@pytest.mark.parametrize(
    ("total", "message"),
    [
        (Mean(P, apart), "not a mean over tuples"),
        (UMean(P, Dot(z, Enc(f, view(1, 0)))), "not an InfoNCE loss"),
        (UMean(P, Dot(z, z2)) - UMean(P, Dot(z, Enc(f, view(1, 0)))), "not a mean over tuples"),
        (UMean(FIXED, LOSS), "needs items of one law"),
        (UMean(P, infonce_loss(Declared("g", "encoder", ("P",)), k, t)), "depends on P"),
        (E(LOSS), "not a mean over a sample"),
    ],
)
def test_other_means_are_refused(total, message):
    with pytest.raises(InvalidProof, match=message):
        batched(total, d1)


@pytest.mark.slow
def test_searches_find_no_counterexample():
    assert BATCHES.check is not None
    assert BATCHES.check().holds


def test_the_check_looks_at_one_item_of_a_batch():
    assert BATCHES.check is not None
    assert "instances" in BATCHES.check().detail
    assert sp.Symbol("count", positive=True) in BATCHES.right.free_symbols
