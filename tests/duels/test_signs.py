"""The e-values and limits of duels: against formulas, peers, and exact error probabilities."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from bounds.duels.certification import expected_fixed_size
from bounds.duels.sequences import (
    error_upper_sequence,
    log_below_e_value,
    log_margin_e_values,
    mean_upper_sequence,
)
from bounds.duels.signs import (
    fixed_size,
    log_sign_e_value,
    mcnemar_p_value,
    reaches,
    sign_p_value,
    signs_needed,
)
from bounds.errors import InvalidStatistics
from bounds.summaries.constant_stakes import constant_stakes_upper


@pytest.mark.parametrize(("plus", "minus"), [(0, 0), (1, 0), (0, 1), (3, 1), (7, 20), (30, 12)])
def test_the_wealth_is_the_integral(plus, minus):
    expected, _ = quad(lambda q: 2 * (2 * q) ** plus * (2 * (1 - q)) ** minus, 0.5, 1)
    assert math.exp(log_sign_e_value(plus, minus)) == pytest.approx(expected, rel=1e-9)


def test_the_wealth_is_a_fair_bet_at_one_half_and_loses_below():
    plus, minus = np.meshgrid(np.arange(30), np.arange(30))
    now, up, down = (
        np.exp(log_sign_e_value(*one)) for one in ((plus, minus), (plus + 1, minus), (plus, minus + 1))
    )
    assert (up + down) / 2 == pytest.approx(now, rel=1e-9)
    assert (0.45 * up + 0.55 * down < now).all()


def test_both_verdicts_together_err_with_probability_below_delta_and_not_far_below():
    """Exact, by the distribution of counts on the paths that were not stopped: 1/δ each would err more than δ."""

    def crossing(level, labels=400):
        weights, wrong = np.array([1.0]), 0.0
        for n in range(1, labels + 1):
            weights = 0.5 * (np.append(weights, 0) + np.append(0, weights))
            plus = np.arange(n + 1)
            out = np.maximum(log_sign_e_value(plus, n - plus), log_sign_e_value(n - plus, plus)) >= math.log(
                1 / level
            )
            wrong += weights[out].sum()
            weights[out] = 0
        return wrong

    assert 0.02 < crossing(0.025) <= 0.05
    assert crossing(0.05) > 0.05


def test_reached_despite_rounding_and_not_a_little_before():
    assert not reaches(math.log(20) - 1e-12, 0.05)
    assert reaches(math.log(20) + 1e-8, 0.05)
    assert not reaches(np.array([]), 0.05)


COUNTS = [(0, 0), (1, 0), (0, 5), (5, 5), (3, 9), (100, 60), (1200, 1100)]


@pytest.mark.parametrize(("plus", "minus"), COUNTS)
def test_p_values_of_scipy(plus, minus):
    from scipy.stats import binomtest

    if plus + minus == 0:
        assert sign_p_value(0, 0) == mcnemar_p_value(0, 0) == 1.0
        return
    for alternative, ours in (
        ("greater", sign_p_value(plus, minus)),
        ("two-sided", mcnemar_p_value(plus, minus)),
    ):
        assert ours == pytest.approx(
            binomtest(plus, plus + minus, 0.5, alternative=alternative).pvalue, rel=1e-12, abs=1e-300
        )


@pytest.mark.parametrize(("plus", "minus"), COUNTS)
def test_p_values_of_statsmodels(plus, minus):
    tables = pytest.importorskip(
        "statsmodels.stats.contingency_tables", reason="statsmodels is not installed"
    )
    theirs = tables.mcnemar([[3, plus], [minus, 4]], exact=True).pvalue
    assert mcnemar_p_value(plus, minus) == pytest.approx(theirs, rel=1e-12)


def test_fixed_sizes():
    assert [fixed_size(0.75, level) for level in (0.05, 0.025)] == [23, 30]
    assert expected_fixed_size(0.01, 0.05, 0.05) == 124
    for wrong in (0.5, 1.1, math.nan):
        with pytest.raises(InvalidStatistics):
            fixed_size(wrong, 0.05)


def test_the_number_of_labels_that_are_missing():
    assert signs_needed(5, 5, 0.025) is None
    assert signs_needed(40, 2, 0.025) == 0
    more = signs_needed(8, 4, 0.025)
    q = 9 / 14
    assert reaches(log_sign_e_value(8 + q * more, 4 + (1 - q) * more), 0.025)
    assert not reaches(log_sign_e_value(8 + q * (more - 1), 4 + (1 - q) * (more - 1)), 0.025)


# Sequences


def test_one_value_after_the_other_with_fewer_stakes_is_the_limit_at_a_fixed_size():
    """At the last value the sequence with more stakes is near the limit of four; its maximum over time is never larger."""
    import torch

    rng = np.random.default_rng(0)
    x = rng.random(200) * 0.4
    fixed = constant_stakes_upper(torch.from_numpy(x)[None], 0.05)
    found = mean_upper_sequence(x, 0.05)
    assert x.mean() < found < 1.15 * fixed


@pytest.mark.parametrize(("values", "expected"), [([], 1.0), ([1.0] * 10, 1.0), ([0.0] * 10, None)])
def test_the_edges_of_the_sequence(values, expected):
    found = mean_upper_sequence(np.array(values), 0.05)
    if expected is None:  # the sum over stakes c of (1 + cp/(1 − p))^10 over six is 20, at the last value
        p = found
        total = sum((1 + c * p / (1 - p)) ** 10 for c in (1, 0.5, 0.25, 0.125, 0.0625, 0.03)) / 6
        assert total == pytest.approx(20, rel=1e-6)
        assert total >= 20
    else:
        assert found == expected


def test_the_limit_never_rises_as_values_come():
    rng = np.random.default_rng(1)
    x = (rng.random(150) < 0.3).astype(float)
    limits = [mean_upper_sequence(x[:n], 0.05) for n in range(0, 150, 10)]
    assert limits == sorted(limits, reverse=True)
    wrong = [error_upper_sequence(x[:n], 0.05) for n in range(0, 150, 10)]
    assert wrong == sorted(wrong, reverse=True)


@pytest.mark.parametrize(("wrong", "right", "target"), [(0, 10, 0.1), (2, 50, 0.1), (9, 3, 0.4)])
def test_the_wealth_of_a_target_is_the_integral(wrong, right, target):
    def factor(q):
        return (q / target) ** wrong * ((1 - q) / (1 - target)) ** right / target

    expected, _ = quad(factor, 0, target)
    assert math.exp(log_below_e_value(wrong, right, target)) == pytest.approx(expected, rel=1e-8)


def test_the_printed_limit_is_where_the_wealth_crosses():
    rng = np.random.default_rng(2)
    wrong = (rng.random(400) < 0.05).astype(float)
    limit = error_upper_sequence(wrong, 0.05)
    k = np.cumsum(wrong)
    right = np.arange(1, 401) - k
    tried = np.linspace(limit, 0.999, 200)
    assert all(reaches(log_below_e_value(k, right, t), 0.05) for t in tried)
    assert not reaches(log_below_e_value(k, right, limit - 1e-6), 0.05)
    assert limit > wrong.mean()


def test_bets_on_a_margin_are_fair_at_its_edge_and_ruin_nobody():
    steps = np.exp(
        [
            log_margin_e_values(np.array([first, second]), 0.1)[-1]
            for first in (1, 0, -1)
            for second in (1, 0, -1)
        ]
    )
    # P(+1) = .1, P(−1) = .2: the mean outcome is −margin, and the mean wealth one.
    weights = np.outer([0.1, 0.7, 0.2], [0.1, 0.7, 0.2]).ravel()
    assert weights @ steps == pytest.approx(1.0, rel=1e-12)
    assert (steps > 0).all()
    with pytest.raises(InvalidStatistics):
        log_margin_e_values(np.zeros(2), 0.0)


@pytest.mark.slow
def test_a_duel_needs_at_most_1_3_times_the_labels_of_the_fixed_size():
    rng = np.random.default_rng(3)
    for q in (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9):
        plus = np.cumsum(rng.random((2000, 3000)) < q, axis=1)
        out = log_sign_e_value(plus, np.arange(1, 3001) - plus) >= math.log(2 / 0.05)
        mean = np.where(out.any(1), out.argmax(1) + 1, 3000).mean()
        assert mean <= 1.3 * fixed_size(q, 0.025), q
