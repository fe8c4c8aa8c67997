"""Confidence limits err on the safe side and are exact at their ends."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from scipy import optimize, stats

from bounds.errors import InvalidStatistics
from bounds.summaries.limits import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    constant_loss,
    kl_inverse,
    kl_inverse_first,
    kl_inverse_near,
    log_subsets,
)


def exact_kl(q, p):
    with mp.workdps(50):
        q, p = mpf(q), mpf(p)
        left = q * mp.log(q / p) if q > 0 else mpf(0)
        right = (1 - q) * mp.log((1 - q) / (1 - p)) if q < 1 else mpf(0)
        return left + right


@settings(max_examples=60)
@given(st.floats(0, 1), st.floats(1e-9, 20))
def test_kl_inverse_is_never_below_the_true_inverse(q, budget):
    p = kl_inverse(q, budget)
    assert q <= p <= 1
    if p < 1:
        assert exact_kl(q, p) >= mpf(budget)
        # ... and not far above: a part in a million closer, and kl is below the budget plus rounding.
        inside = q + (p - q) * (1 - 1e-6)
        assert exact_kl(q, inside) <= mpf(budget) + mpf("1e-12")


@settings(max_examples=60)
@given(st.floats(0, 1), st.floats(1e-9, 20))
def test_inverse_in_the_first_argument_is_never_below_the_true_one(p, budget):
    a = kl_inverse_first(p, budget)
    assert p <= a <= 1
    if p < a < 1:
        assert exact_kl(a, p) >= mpf(budget)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1e-9, 20)), min_size=1, max_size=20))
def test_the_inverse_of_arrays_is_near_that_of_numbers(pairs):
    q, budget = np.array(pairs).T
    exact = [kl_inverse(*pair) for pair in pairs]
    np.testing.assert_allclose(kl_inverse_near(q, budget), exact, rtol=1e-9)


def test_the_inverse_of_arrays_is_right_at_its_ends_and_broadcasts():
    found = kl_inverse_near(np.array([[0.0], [0.3], [1.0]]), np.array([0.0, 1e-12, math.inf]))
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found, [[0, 1e-12, 1], [0.3, 0.3, 1], [1, 1, 1]], atol=1e-6)


def test_kl_inverse_is_right_at_its_ends():
    assert kl_inverse(1.0, 0.1) == 1.0
    assert kl_inverse(0.999999, 1.0) >= 0.999999  # a bisection that never enters its loop returns 0 here
    assert kl_inverse(0.0, 0.1) == pytest.approx(1 - math.exp(-0.1), rel=1e-14)
    assert kl_inverse(0.3, 0.0) == pytest.approx(0.3, abs=1e-7)
    assert kl_inverse(0.3, math.inf) == 1.0
    assert kl_inverse_first(0.0, 1.0) == 0.0
    assert kl_inverse_first(1.0, 1.0) == 1.0


@pytest.mark.parametrize(
    ("q", "budget"), [(-0.1, 1.0), (1.1, 1.0), (float("nan"), 1.0), (0.5, -1.0), (0.5, float("nan"))]
)
def test_kl_inverse_refuses_what_is_not_a_mean_and_a_budget(q, budget):
    with pytest.raises(InvalidStatistics):
        kl_inverse(q, budget)


@given(st.integers(1, 400), st.data(), st.floats(1e-4, 0.5))
def test_clopper_pearson_covers_exactly(trials, data, delta):
    mistakes = data.draw(st.integers(0, trials))
    upper = clopper_pearson_upper(mistakes, trials, delta)
    assert clopper_pearson_lower(mistakes, trials, delta) <= mistakes / trials <= upper
    if upper < 1:
        # The tail at `upper` is delta up to the spacing of numbers near one, through which 1 − upper is known.
        assert stats.binom.cdf(mistakes, trials, upper) <= delta * (1 + 1e-9)
        assert stats.binom.cdf(mistakes, trials, upper) == pytest.approx(
            delta, rel=1e-9 + 8 * trials * 2.0**-52 / (1 - upper)
        )


def test_clopper_pearson_without_mistakes_is_the_rule_of_three():
    assert clopper_pearson_upper(0, 100, 0.05) == pytest.approx(1 - 0.05**0.01, rel=1e-10)
    assert clopper_pearson_upper(7, 7, 0.05) == 1.0
    with pytest.raises(InvalidStatistics):
        clopper_pearson_upper(3, 2, 0.05)


def test_log_subsets_does_not_overflow_and_allows_one_class():
    assert log_subsets(3) == pytest.approx(math.log(6))
    assert log_subsets(10_000) == pytest.approx(10_000 * math.log(2))
    assert log_subsets(1) == -math.inf


@settings(max_examples=25)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6).filter(lambda w: sum(w) > 1e-3))
def test_constant_loss_is_the_geometric_median_of_the_labels(weights):
    p = [w / sum(weights) for w in weights]
    K = len(p)

    def loss(c):
        return sum(p[y] * math.sqrt(sum((c[k] - (k == y)) ** 2 for k in range(K)) + 1e-30) for y in range(K))

    best = min(
        optimize.minimize(
            loss, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
        ).fun
        for start in ([*p], *([float(k == y) for k in range(K)] for y in range(min(K, 2))))
    )
    assert constant_loss(p) <= best + 1e-9
    assert constant_loss(p) == pytest.approx(best, abs=2e-4)


def test_constant_loss_of_balanced_classes_is_the_closed_form():
    for K in (1, 2, 10, 1000):
        assert constant_loss([1 / K] * K) == pytest.approx(math.sqrt(1 - 1 / K), abs=1e-12)
