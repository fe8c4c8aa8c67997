"""prediction_powered: few labels correct a prediction of the error; betting limits of a mean."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from bounds.errors import InvalidStatistics, NotApplicable
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import predicted_errors
from bounds.summaries.betting import betting_upper
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World, assert_covers, head_of


def test_the_bound_is_two_empirical_bernstein_limits():
    evidence = World().evidence(0, 200, 300, holdout=0.3)
    count = held_out_count(evidence)
    unlabeled, corrections = predicted_errors(evidence, fitting_head(evidence, count), count)
    log = math.log(2 / 0.05)
    expected = (
        float(unlabeled.mean[0] + corrections.mean())
        + math.sqrt(2 * float(unlabeled.variance[0]) * log / 300)
        + 7 * log / (3 * 299)
        + math.sqrt(2 * np.var(corrections.numpy(), ddof=1) * log / count)
        + 2 * 7 * log / (3 * (count - 1))
    )
    bound = THEOREMS["prediction_powered"].evaluate(evidence, 0.1)
    assert bound.value == pytest.approx(expected, rel=1e-9)
    assert len(corrections) == count == 60


def test_with_bets_the_corrections_have_the_limit_of_their_wealth():
    evidence = World().evidence(0, 200, 300, holdout=0.3)
    count = held_out_count(evidence)
    unlabeled, corrections = predicted_errors(evidence, fitting_head(evidence, count), count)
    log = math.log(2 / 0.05)
    bound = THEOREMS["prediction_powered_betting"].evaluate(evidence, 0.1)
    predicted = (
        float(unlabeled.mean[0])
        + math.sqrt(2 * float(unlabeled.variance[0]) * log / 300)
        + 7 * log / (3 * 299)
    )
    limit = bound.value - predicted
    scaled = ((corrections + 1) / 2).tolist()
    assert wealth(scaled, (1 + limit) / 2, 0.05) == pytest.approx(20, rel=1e-3)


def test_predictions_are_probabilities_that_the_held_out_labels_never_touch():
    world = World()
    evidence = world.evidence(1, 100, 200, holdout=0.3)
    count = held_out_count(evidence)
    unlabeled, corrections = predicted_errors(evidence, fitting_head(evidence, count), count)
    assert 0 < float(unlabeled.minimum[0]) <= float(unlabeled.maximum[0]) < 1
    assert float(corrections.abs().max()) <= 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.001, 0.9))
def test_betting_inverts_the_wealth_of_the_candidate_mean(values, delta):
    x = torch.tensor(values, dtype=torch.float64)
    limit = betting_upper(x, delta)
    assert limit >= float(x.min())
    if limit < 1:
        assert wealth(values, limit, delta) >= 1 / delta * (1 - 1e-9)
        assert wealth(values, limit - 1e-9, delta) <= 1 / delta * (1 + 1e-6)


def wealth(values, mean, delta):
    """One bet after the other, each from what came before."""
    money, total, square, running = 1.0, 0.5, 0.25, 0
    for t, x in enumerate(values, 1):
        spread = square / t
        stake = min(0.9, math.sqrt(2 * math.log(1 / delta) / (len(values) * spread)))
        money *= 1 - stake * (x - mean)
        total += x
        running = total / (t + 1)
        square += (x - running) ** 2
    return money


def test_betting_is_sharper_than_empirical_bernstein_on_rare_errors():
    x = torch.zeros(200, dtype=torch.float64)
    x[::50] = 1.0
    log = math.log(2 / 0.05)
    bernstein = 0.02 + math.sqrt(2 * float(x.var()) * log / 200) + 7 * log / (3 * 199)
    assert float(beta.ppf(0.95, 5, 196)) < betting_upper(x, 0.05) < bernstein


def test_betting_covers_the_mean():
    rng = np.random.default_rng(0)
    misses = sum(betting_upper(torch.tensor(rng.beta(0.3, 1.2, 40)), 0.2) < 0.2 for _ in range(400))
    assert_covers(misses, 400, 0.2)


def test_betting_refuses_values_outside_the_unit_interval():
    with pytest.raises(InvalidStatistics, match="all of them in"):
        betting_upper(torch.tensor([0.5, 1.5]), 0.1)
    with pytest.raises(InvalidStatistics, match="at least one value"):
        betting_upper(torch.tensor([]), 0.1)


@pytest.mark.parametrize("trials", [25, pytest.param(80, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["prediction_powered", "prediction_powered_betting"])
def test_no_more_violations_than_delta_allows(name, trials):
    world, violations = World(K=2, d=2, sharpness=3.0), 0
    for seed in range(trials):
        evidence = world.evidence(seed, 80, 40, holdout=0.4)
        bound = THEOREMS[name].evaluate(evidence, 0.5)
        violations += bound.value < world.error(head_of(evidence, bound))
    assert_covers(violations, trials, 0.5)


def test_one_held_out_item_has_no_variance():
    with pytest.raises(NotApplicable, match="at least 2 held-out labels"):
        THEOREMS["prediction_powered"].evaluate(World().evidence(0, 10, 20, holdout=0.1), 0.1)


def test_two_unlabeled_pairs_have_a_variance_and_one_has_none():
    assert THEOREMS["prediction_powered"].evaluate(World().evidence(0, 60, 2, holdout=0.3), 0.1).value > 0
    with pytest.raises(NotApplicable, match="at least two unlabeled"):
        THEOREMS["prediction_powered"].evaluate(World().evidence(0, 60, 1, holdout=0.3), 0.1)
