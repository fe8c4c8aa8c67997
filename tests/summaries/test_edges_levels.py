"""Levels and tails: limits at any δ and any rate, against the tail itself in many digits."""

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from bounds.derivations.expression import Expression
from bounds.errors import InvalidStatistics
from bounds.summaries.betting import betting_upper
from bounds.summaries.binomial import SUMMED, deviance
from bounds.summaries.collisions import collision_interval
from bounds.summaries.limits import (
    _probability_above,
    _probability_below,
    clopper_pearson_lower,
    clopper_pearson_upper,
    kl_inverse,
    kl_inverse_lower,
)
from bounds.theorems.axes import ERROR
from bounds.theorems.derive import derive

LEVELS = st.one_of(
    st.floats(-300, 0, exclude_max=True).map(lambda power: 10.0**power),
    st.floats(-15, -0.5).map(lambda power: 1 - 10.0**power),
).filter(lambda level: 0 < level < 1)


def tail(k, n, p):
    """P(Bin(n, p) ≤ k) in as many digits as mpmath works with, the smaller side summed."""
    term = (
        mp.exp(mp.loggamma(n + 1) - mp.loggamma(k + 1) - mp.loggamma(n - k + 1)) * p**k * (1 - p) ** (n - k)
    )
    total = mpf(0)
    for i in range(k, -1, -1):
        total += term
        term *= mpf(i) / (n - i + 1) * (1 - p) / p
        if term < total * mpf(10) ** -40 and i < n * p:
            break
    return total


@st.composite
def counts(draw):
    """(k, n) with k < n, all sizes, few mistakes or few successes, or any number of a smaller sample."""
    n = int(10 ** draw(st.floats(0, 12)))
    k = draw(st.integers(0, min(n - 1, 300)))
    return (k, n) if draw(st.booleans()) else (n - 1 - k, n)


@settings(max_examples=150)
@given(counts(), LEVELS)
@example((1, 11), 2.26580791378124e-298)  # scipy's inverse of this tail is not a number
@example((24, 13658957), 1.9234843783451328e-295)  # ... and of this one 6 % below the truth
@example((1, 834179303), 0.2787094937333401)  # ... and of this one 1e-8
def test_the_upper_limit_is_never_below_the_truth_and_close_to_it(count, delta):
    k, n = count
    assume(delta <= 0.5 or n <= SUMMED)
    upper = clopper_pearson_upper(k, n, delta)
    assert 0 < upper <= 1
    if upper == 1:
        return
    with mp.workdps(60):
        p = mpf(upper)
        assert tail(k, n, p) <= mpf(delta)
        closer = min(p * (1 - mpf(10) ** -9), 1 - (1 - p) * (1 + mpf(10) ** -9) - mpf(2) ** -52)
        assert closer <= 0 or tail(k, n, closer) >= mpf(delta)


@settings(max_examples=150)
@given(counts(), LEVELS.filter(lambda level: level > 1e-200))
def test_the_lower_limit_is_never_above_the_truth_and_keeps_its_digits(count, delta):
    k, n = count[0] + 1, count[1]
    assume(delta <= 0.5 or n <= SUMMED)
    lower = clopper_pearson_lower(k, n, delta)
    assert 0 < lower < 1
    with mp.workdps(300):
        p = mpf(lower)
        assert tail(n - k, n, 1 - p) <= mpf(delta)  # P(Bin(n, p) ≥ k)
        closer = min(p * (1 + mpf(10) ** -9) + mpf(2) ** -52 * (p > 0.5), 1)
        assert closer == 1 or tail(n - k, n, 1 - closer) >= mpf(delta)


@pytest.mark.parametrize(
    ("k", "n", "delta", "limit"),
    [
        (0, 1000, 1e-8, 0.018252056980015663),
        (0, 1000, 1e-17, 0.03838772161633524),
        (8, 297, 1e-20, 0.2112191456654149),
    ],
)
def test_known_limits_at_small_levels(k, n, delta, limit):
    assert clopper_pearson_upper(k, n, delta) == pytest.approx(limit, rel=1e-12)


def test_limits_of_huge_samples_take_no_time_and_err_on_the_safe_side():
    start = time.perf_counter()
    for n in (10**12, 10**18):
        for delta in (0.05, 0.5, 0.9):
            low, high = (f(n // 10, n, delta) for f in (clopper_pearson_lower, clopper_pearson_upper))
            if delta <= 0.5:
                assert low <= 0.1 <= high
            assert high == pytest.approx(0.1, rel=1e-4)
            assert low == pytest.approx(0.1, rel=1e-4)
    assert time.perf_counter() - start < 5


@settings(max_examples=150)
@example(3.30566503577413e-07, 1.1371228105427896e-08)  # kl 1e-14 above the truth in the limit's disfavour
@example(4.82459272169453e-19, 3.7593740520799787e-20)
@example(0.9999999999999853, 1e-14)  # Newton stopped 97 % of the way to 1
@given(
    st.one_of(st.floats(0, 1), st.floats(-300, 0).map(lambda p: 10.0**p)),
    st.floats(-20, 2).map(lambda p: 10.0**p),
)
def test_both_kl_inverses_keep_their_digits_on_their_side(q, budget):
    with mp.workdps(400):
        divergence = lambda p: (  # noqa: E731
            (mpf(q) * mp.log(mpf(q) / p) if q else mpf(0))
            + ((1 - mpf(q)) * mp.log((1 - mpf(q)) / (1 - p)) if q < 1 else mpf(0))
        )
        for inverse, side in ((kl_inverse, 1), (kl_inverse_lower, -1)):
            p = inverse(q, budget)
            assert side * (p - q) >= 0
            if 0 < p < 1:
                assert p != q
                assert divergence(mpf(p)) >= mpf(budget)
                inside = q + (mpf(p) - q) * (1 - mpf(10) ** -6) - side * mpf(2) ** -49 * mpf(p)
                if side * (inside - q) > 0:
                    assert divergence(inside) <= mpf(budget)


@given(st.floats(1e-6, 1e6), st.floats(-0.999, 10.0))
def test_the_deviance_keeps_the_digits_of_the_gap(mean, relative):
    x = mean * (1 + relative)
    with mp.workdps(50):
        exact = mpf(x) * mp.log(mpf(x) / mpf(mean)) - (mpf(x) - mpf(mean))
        assert deviance(x, mean, x - mean) == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_a_level_outside_0_1_is_refused(delta):
    for limit in (
        lambda: clopper_pearson_upper(1, 3, delta),
        lambda: clopper_pearson_lower(1, 3, delta),
        lambda: clopper_pearson_upper(3, 3, delta),
        lambda: betting_upper(torch.rand(20), delta),
        lambda: collision_interval(torch.tensor([4, 5]), delta),
    ):
        with pytest.raises(InvalidStatistics, match="delta"):
            limit()


@pytest.mark.parametrize("value", [math.nan, math.inf, -1e-9, 1 + 1e-9])
def test_betting_refuses_what_is_no_loss(value):
    with pytest.raises(InvalidStatistics):
        betting_upper(torch.tensor([0.1, value, 0.2], dtype=torch.float64), 0.05)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=6).filter(lambda c: sum(c) >= 2), LEVELS)
def test_the_collision_interval_holds_the_share(counts, delta):
    low, high = collision_interval(torch.tensor(counts), delta)
    n = sum(counts)
    share = sum(c * (c - 1) for c in counts) / (n * (n - 1))
    assert low <= max(share, 1 / len(counts))
    assert high >= share * (1 - 1e-15)


def test_rounding_up_does_not_certify_more_than_every_error():
    expression = derive("test_set").expression
    numbers = expression.evaluate({"mistakes": 7, "N": 7, "delta": 0.05})
    assert expression.combined(numbers, ERROR.most) == 1.0
    # ... but a bound that is above one by itself says so, and one below is not moved.
    assert expression.combined({"test_error": 0.7, "confidence": 0.5}, ERROR.most) > 1.2 * (1 - 1e-12)
    assert expression.combined({"test_error": 0.7, "confidence": 0.2}, ERROR.most) < 0.9 * (1 + 2e-12)
    below = Expression(expression.terms, below=True)
    assert below.combined({"a": 1.0}, 1.0) < 1.0


def test_the_limits_of_a_grid_are_those_of_numpy_integers():
    for k in np.arange(4):
        assert clopper_pearson_upper(int(k), 3, 0.05) == clopper_pearson_upper(k, np.int64(3), 0.05)


@given(st.floats(-700, 700))
def test_probabilities_of_log_odds_are_rounded_to_their_side(odds):
    with mp.workdps(330):
        exact = 1 / (1 + mp.exp(-mpf(odds)))
        low, high = _probability_below(odds), _probability_above(odds)
        assert low < exact < high
        assert high - low <= 2**-46 * (1 + abs(odds)) * min(exact, 1 - exact) + 2**-52 * exact
