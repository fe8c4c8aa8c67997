"""Projections of limits by bets of constant stakes: a law of two points against draws of other laws."""

import math

import numpy as np
import pytest
import torch

from bounds.summaries.constant_stakes import LOSS_STAKES, STAKES, TwoPoints, constant_stakes_upper

pytestmark = pytest.mark.usefixtures("one_thread")


def test_on_its_own_draws_the_law_has_the_limit_of_the_draws():
    H = torch.tensor([[0.0] * 16 + [1.0] * 4], dtype=torch.float64)
    assert TwoPoints(0.2, 1.0, 20).upper(0.05, STAKES) == pytest.approx(
        constant_stakes_upper(H, 0.05), abs=1e-11
    )
    H = torch.tensor([[0.1] * 16 + [0.6] * 4], dtype=torch.float64)
    assert TwoPoints(0.2, 0.5, 20).upper(0.1, LOSS_STAKES) == pytest.approx(
        constant_stakes_upper(H, 0.1, LOSS_STAKES), abs=1e-11
    )


@pytest.mark.parametrize("wrong", [0, 3, 20])
def test_the_limit_is_where_the_wealth_of_four_stakes_reaches_its_goal(wrong):
    """Without a logarithm, with the stakes typed from the source."""
    found = constant_stakes_upper(torch.tensor([[1.0] * wrong + [0.0] * (20 - wrong)]), 0.05)

    def wealth(p):
        return (
            sum((1 - c) ** wrong * (1 + c * p / (1 - p)) ** (20 - wrong) for c in (1.0, 0.5, 0.25, 0.125)) / 4
        )

    assert wealth(min(found, 1 - 2**-40)) == pytest.approx(20, rel=1e-7) if wrong < 20 else found == 1


@pytest.mark.parametrize("law", [lambda r, n: r.beta(2, 5, n), lambda r, n: r.beta(0.5, 2, n)])
def test_eight_times_as_many_items_give_what_was_projected(law):
    rng = np.random.default_rng(0)
    projected, found = [], []
    for _ in range(20):
        few, many = law(rng, 100), law(rng, 800)
        limit = constant_stakes_upper(torch.from_numpy(few)[None], 0.05, LOSS_STAKES)
        like = TwoPoints.like(float(few.mean()), float(few.std()), limit, 0.05, LOSS_STAKES)
        assert like.upper(0.05, LOSS_STAKES) == pytest.approx(limit, abs=1e-9)
        projected.append(like.upper(0.05, LOSS_STAKES, times=8) - few.mean())
        found.append(constant_stakes_upper(torch.from_numpy(many)[None], 0.05, LOSS_STAKES) - many.mean())
    assert np.mean(projected) == pytest.approx(np.mean(found), rel=0.06)


def test_unlimited_items_leave_what_the_least_stake_costs():
    """The wealth of stake c grows where E log(1 + c(p − H)/(1 − p)) > 0: for the least c nearest to the mean."""
    law, c = TwoPoints(0.3, 1.0, 50), min(STAKES)
    U = law.upper(0.05, STAKES, times=2.0**30)
    growth = 0.7 * math.log(1 + c * U / (1 - U)) + 0.3 * math.log(1 - c)
    assert growth == pytest.approx(0, abs=1e-7)
    assert TwoPoints(0.3, 0.0, 50).upper(0.05, STAKES, times=2.0**30) == pytest.approx(0.3, abs=1e-7)


@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_laws_without_spread_at_the_ends(mean):
    limit = min(0.999, mean + 0.2)
    like = TwoPoints.like(mean, 0.0, limit, 0.05, STAKES) if mean < limit else TwoPoints(mean, 0.0, 9)
    assert like.upper(0.05, STAKES) == pytest.approx(limit if mean < limit else 1.0, abs=1e-9)
