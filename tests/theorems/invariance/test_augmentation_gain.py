"""augmentation_gain: the identity, the interval, the lower bound on the error."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy.stats import beta

import bounds
from bounds.errors import NotApplicable
from bounds.heads.linear import Head
from bounds.heads.simplex import project_simplex
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World, assert_covers, head_of

NAMES = ("augmentation_gain", "augmentation_gain_lower", "augmentation_risk", "augmentation_error_floor")


class Augmented:
    """Images u with a label each; a view adds one of a few fixed offsets, so every expectation is a finite sum."""

    def __init__(self, images=12, views=5, K=3, d=4, noise=0.6, seed=0):
        rng = np.random.default_rng(seed)
        self.base, self.K = World(K=K, d=d, seed=seed), K
        centres, self.labels = rng.normal(size=(images, d)), rng.integers(K, size=images)
        rows = centres[:, None] + noise * rng.normal(size=(images, views, d))
        self.z = rows / np.linalg.norm(rows, axis=2, keepdims=True)

    def draw(self, rng, n):
        image = rng.integers(len(self.z), size=n)
        first, second = rng.integers(self.z.shape[1], size=(2, n))
        return self.z[image, first], self.z[image, second], self.labels[image]

    def evidence(self, seed, n, m, holdout=0.3):
        rng = np.random.default_rng(seed)
        template = self.base.evidence(seed, 4, 4, holdout=holdout)
        a, b, y = self.draw(rng, n)
        first, second, _ = self.draw(rng, m)
        return dataclasses.replace(
            template, labeled=Representations((a, b), y), pairs=Representations((first, second))
        )

    def truth(self, head):
        """(squared risk, gain, averaged risk, error) by enumeration."""
        u = head(torch.tensor(self.z.reshape(-1, self.z.shape[2])))
        g = project_simplex(u).reshape(*self.z.shape[:2], self.K)
        target = torch.eye(self.K, dtype=g.dtype)[torch.tensor(self.labels)][:, None]
        risk = float((g - target).square().sum(2).mean())
        gain = float(0.5 * (g[:, :, None] - g[:, None]).square().sum(3).mean())
        averaged = float((g.mean(1) - target[:, 0]).square().sum(1).mean())
        error = float((u.reshape(g.shape).argmax(2) != torch.tensor(self.labels)[:, None]).double().mean())
        return risk, gain, averaged, error


def test_the_gain_is_the_squared_risk_that_averaging_over_views_saves():
    world = Augmented()
    for seed in range(5):
        head = Head(
            torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), None, "any"
        )
        risk, gain, averaged, error = world.truth(head)
        assert risk - averaged == pytest.approx(gain, abs=1e-12)
        assert error <= 2 * risk


def test_the_interval_is_empirical_bernstein_at_half_of_delta_on_each_side():
    evidence = Augmented().evidence(0, 50, 200)
    upper, lower = (THEOREMS[name].evaluate(evidence, 0.1) for name in NAMES[:2])
    values = []
    for a, b in zip(*(np.asarray(view) for view in evidence.pairs.views), strict=True):
        g = [project_simplex(evidence.head(torch.tensor(x)[None]))[0].numpy() for x in (a, b)]
        values.append(0.5 * ((g[0] - g[1]) ** 2).sum())
    log = math.log(2 / 0.05)
    radius = math.sqrt(2 * np.var(values, ddof=1) * log / 200) + 7 * log / (3 * 199)
    assert upper.value == pytest.approx(np.mean(values) + radius, rel=1e-9)
    assert lower.value == pytest.approx(np.mean(values) - radius, abs=1e-9)
    assert lower.value < np.mean(values) - radius  # rounded down, not up
    assert "interval" in upper.notes[0]


def test_the_whole_risk_is_two_empirical_bernstein_limits_of_a_head_that_the_held_out_rows_never_touched():
    evidence = Augmented().evidence(0, 50, 200)
    bound = THEOREMS["augmentation_risk"].evaluate(evidence, 0.1)
    held = evidence.row_ranks < 15
    first, second = (np.asarray(view) for view in evidence.labeled.views)
    y = np.eye(3)[evidence.labeled.labels]
    W = np.linalg.lstsq(first[~held], y[~held], rcond=None)[0]

    def g(rows):
        return project_simplex(torch.tensor(rows @ W)).numpy()

    crossed = ((g(first) - y) * (g(second) - y)).sum(1)[held]
    gains = 0.5 * (
        (g(np.asarray(evidence.pairs.views[0])) - g(np.asarray(evidence.pairs.views[1]))) ** 2
    ).sum(1)
    expected, log = 0.0, math.log(2 / 0.05)
    for values, width in ((crossed, 2), (gains, 1)):
        count = len(values)
        expected += values.mean() + math.sqrt(2 * values.var(ddof=1) * log / count)
        expected += width * 7 * log / (3 * (count - 1))
    assert len(crossed) == 15
    assert bound.value == pytest.approx(expected, rel=1e-9)


def test_the_error_floor_is_half_a_lower_clopper_pearson_limit():
    evidence = Augmented(noise=2.0).evidence(0, 50, 200)
    bound = THEOREMS["augmentation_error_floor"].evaluate(evidence, 0.1)
    a, b = (evidence.head(torch.tensor(view)).argmax(1) for view in evidence.pairs.views)
    k = int((a != b).sum())
    assert k > 0
    assert bound.value == pytest.approx(0.5 * beta.ppf(0.1, k, 200 - k + 1), rel=1e-8)


def test_lower_limits_are_marked_and_can_never_be_the_best_bound():
    evidence = Augmented().evidence(0, 50, 200)
    for name in ("augmentation_gain_lower", "augmentation_error_floor"):
        bound = THEOREMS[name].evaluate(evidence, 0.1)
        assert bound.error_rate is None
        assert not bound.vacuous
        assert "lower limit" in bound.notes[0]


def test_the_error_floor_needs_only_a_shared_label_and_lies_below_the_error_on_class_pairs_too():
    world, violations = World(sharpness=3.0), 0
    for seed in range(60):
        evidence = world.evidence(seed, 60, 60)
        bound = THEOREMS["augmentation_error_floor"].evaluate(evidence, 0.5)
        violations += bound.value > world.error(head_of(evidence, bound))
    assert_covers(violations, 60, 0.5)


@pytest.mark.parametrize("trials", [25, pytest.param(80, marks=pytest.mark.slow)])
def test_no_more_violations_than_delta_allows_on_either_side(trials):
    world, above, below, floor, risk = Augmented(noise=1.0), 0, 0, 0, 0
    for seed in range(trials):
        evidence = world.evidence(seed, 60, 60)
        upper, lower, total, errors = (THEOREMS[name].evaluate(evidence, 0.4) for name in NAMES)
        truth = world.truth(evidence.head)
        above += truth[1] > upper.value
        below += truth[1] < lower.value
        floor += errors.value > truth[3]
        risk += total.value < world.truth(head_of(evidence, total))[0]
    for violations in (above + below, floor, risk):
        assert_covers(violations, trials, 0.4)


def test_two_views_of_labeled_images_are_needed_for_the_whole_risk():
    evidence = World().evidence(0, 50, 50)
    with pytest.raises(NotApplicable, match="two views of each labeled item"):
        THEOREMS["augmentation_risk"].evaluate(evidence, 0.1)


def test_evaluate_takes_two_views_of_each_labeled_item_and_the_first_is_the_sample():
    world, rng = Augmented(), np.random.default_rng(1)
    first, second, labels = world.draw(rng, 60)
    pairs = world.draw(rng, 50)[:2]
    options = {"num_classes": 3, "progress": False}
    both = bounds.evaluate(None, (first, second, labels), pairs, **options)
    one = bounds.evaluate(None, (first, labels), pairs, **options)
    assert both["augmentation_risk"].value > both["augmentation_gain"].value
    assert "augmentation_risk" in one.not_applicable
    for bound in one:
        assert both[bound.name].value == bound.value


def test_the_whole_risk_converts_to_twice_itself_as_an_error():
    bound = THEOREMS["augmentation_risk"].evaluate(Augmented().evidence(0, 200, 300), 0.1)
    assert bound.error_rate == pytest.approx(2 * bound.value)
