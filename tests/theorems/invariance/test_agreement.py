"""agreement: labels say on which side of one half a class errs, pairs say how far."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from bounds.assumptions.assumption import Assumption
from bounds.derivations.agreement import class_remainders
from bounds.errors import NotApplicable
from bounds.evidence.splits import fitting_head, held_out_chunks
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS
from tests.worlds_discrete import World, assert_covers, head_of


def upper(k, n, delta):
    return 1.0 if k == n else beta.ppf(1 - delta, k + 1, n - k)


def naive(evidence, delta, grid=20_000):
    """The bound by a fine search over λ, everything else in loops."""
    K, count = evidence.setting.num_classes, round(evidence.setting.holdout * evidence.n)
    head = fitting_head(evidence, count).weight.numpy()
    items, wrong = [0] * K, [0] * K
    for z, labels in held_out_chunks(evidence, count):
        for row, label in zip(z.numpy(), labels.tolist(), strict=True):
            items[label] += 1
            wrong[label] += int(np.argmax(head @ row) != label)
    parts = 2 if evidence.setting.prior is not None else 3
    u = [upper(w, i, delta / (parts * K)) if i else 1.0 for w, i in zip(wrong, items, strict=True)]
    a, b = (np.asarray(view) for view in evidence.pairs.views)
    differ = sum(int(np.argmax(head @ x) != np.argmax(head @ y)) for x, y in zip(a, b, strict=True))
    d = upper(differ, len(a), delta / parts)
    known = evidence.setting.prior is not None
    prior = evidence.setting.prior.tolist() if known else evidence.frequencies
    radius = 0.0 if known else class_radius(K, evidence.n, delta / 3)

    def at(lam):
        left = [max(0.0, v - 2 * lam * v * (1 - v)) for v in u]
        return lam * d + np.dot(prior, left) + radius * (max(left) - min(left))

    return min(at(lam) for lam in np.linspace(0, 50, grid))


def class_radius(K, n, delta):
    """The smaller of Weissman's radius and that of Cauchy-Schwarz and McDiarmid."""
    weissman = math.sqrt(math.log((2**K - 2) / delta) / (2 * n))
    return min(weissman, math.sqrt((K - 1) / n) / 2 + math.sqrt(math.log(1 / delta) / (2 * n)))


def test_the_bound_agrees_with_a_search_over_the_multiplier():
    evidence = World(sharpness=8.0).evidence(1, 200, 400, known_prior=True, holdout=0.4)
    bound = THEOREMS["agreement"].evaluate(evidence, 0.1)
    assert bound.certified
    assert bound.value <= naive(evidence, 0.1) * (1 + 1e-9)
    assert bound.value == pytest.approx(naive(evidence, 0.1), rel=5e-3)


@pytest.mark.parametrize("sharpness", [8.0, 2.0, 0.5])
def test_with_an_unknown_prior_the_spread_of_what_is_left_is_paid(sharpness):
    """Dull classes leave something of each, so that the spread is less than the largest."""
    evidence = World(sharpness=sharpness).evidence(1, 200, 400, holdout=0.4)
    bound = THEOREMS["agreement"].evaluate(evidence, 0.1)
    assert bound.value <= naive(evidence, 0.1) * (1 + 1e-9)
    assert bound.value == pytest.approx(naive(evidence, 0.1), rel=5e-3)


@pytest.mark.parametrize("name", ["agreement", "agreement_no_holdout"])
def test_labels_that_say_nothing_leave_the_bound_at_one(name):
    """Limits of a class end at one, also where no item or too few of it are counted."""
    evidence = World(sharpness=0.1).evidence(1, 40, 60, known_prior=True, holdout=0.4)
    two = Representations(evidence.labeled.views, evidence.labeled.labels % 2)
    for labeled in (evidence.labeled, two):
        found = THEOREMS[name].evaluate(dataclasses.replace(evidence, labeled=labeled), 1e-6).value
        assert 0.99 < found <= 1.0


def test_it_is_at_most_the_closed_form_where_every_class_errs_less_than_half():
    evidence = World(sharpness=12.0).evidence(1, 300, 400, known_prior=True, holdout=0.5)
    bound = THEOREMS["agreement"].evaluate(evidence, 0.1)
    differ = bound.symbols["disagreements"]
    count = 150
    head = fitting_head(evidence, count)
    z, y = (torch.cat(part) for part in zip(*held_out_chunks(evidence, count), strict=True))
    wrong = head(z).argmax(1) != y
    u = max(upper(int(wrong[y == k].sum()), int((y == k).sum()), 0.05 / 3) for k in range(3))
    assert u < 0.5
    assert bound.value <= upper(differ, 400, 0.05) / (2 * (1 - u)) * (1 + 1e-9)


@given(st.floats(0, 1), st.floats(0, 20), st.floats(0, 1))
def test_the_remainder_bounds_every_error_below_the_limit(limit, multiplier, share):
    error = share * limit
    remainder = float(class_remainders(np.array([limit]), multiplier)[0])
    assert error - 2 * multiplier * error * (1 - error) <= remainder + 1e-12


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.integers(0, 5))
def test_two_views_of_a_class_disagree_at_least_as_often_as_its_error_allows(weights, own):
    q = np.array(weights) + 1e-6
    q /= q.sum()
    error = 1 - q[own % len(q)]
    assert 1 - (q**2).sum() >= 2 * error * (1 - error) - 1e-12


def test_an_unknown_prior_pays_for_the_range_of_the_remainders():
    world = World(sharpness=8.0)
    known = THEOREMS["agreement"].evaluate(world.evidence(1, 200, 300, known_prior=True, holdout=0.4), 0.1)
    unknown = THEOREMS["agreement"].evaluate(world.evidence(1, 200, 300, holdout=0.4), 0.1)
    assert "class_frequencies" not in known.terms
    assert unknown.value > known.value
    assert sum(unknown.split.values()) == pytest.approx(0.1)


def test_augmentation_pairs_read_below_the_truth_and_are_never_certified():
    """Two views of one item agree far more often than two items of a class: the number misleads, so A1 must hold."""
    world = World(sharpness=2.0)
    evidence = world.evidence(5, 400, 400, augmented=True, known_prior=True, holdout=0.5)
    assumptions = {**evidence.setting.assumptions, "A1": Assumption("A1", "violated", "augmentations")}
    evidence = dataclasses.replace(
        evidence, setting=dataclasses.replace(evidence.setting, assumptions=assumptions)
    )
    bound = THEOREMS["agreement"].evaluate(evidence, 0.1)
    assert bound.symbols["disagreements"] == 0
    assert not bound.certified


def test_a_thousand_classes_take_a_moment():
    rng = np.random.default_rng(0)
    y, yp = rng.integers(1000, size=3000), rng.integers(1000, size=500)
    means = rng.normal(size=(1000, 16))
    evidence = World().evidence(0, 10, 10)
    evidence = dataclasses.replace(
        evidence,
        setting=dataclasses.replace(evidence.setting, num_classes=1000, holdout=0.5),
        labeled=Representations((means[y],), y),
        pairs=Representations((means[yp], means[yp]), yp),
    )
    bound = THEOREMS["agreement"].evaluate(evidence, 0.1)
    assert math.isfinite(bound.value)


def test_pairs_are_needed():
    evidence = dataclasses.replace(World().evidence(1, 50, 5), pairs=None)
    with pytest.raises(NotApplicable, match="pass `unlabeled`"):
        THEOREMS["agreement"].evaluate(evidence, 0.1)


def coverage(name, trials, n, m, delta, **world):
    world, violations, values = World(**world), 0, []
    for seed in range(trials):
        evidence = world.evidence(seed, n, m, known_prior=seed % 2 == 0, holdout=0.5)
        bound = THEOREMS[name].evaluate(evidence, delta)
        violations += bound.value < world.error(head_of(evidence, bound))
        values.append(bound.value)
    assert_covers(violations, trials, delta)
    return np.median(values)


@pytest.mark.parametrize("trials", [40, pytest.param(150, marks=pytest.mark.slow)])
def test_no_more_violations_than_delta_allows(trials):
    assert coverage("agreement", trials, 60, 60, 0.5, K=2, d=2, sharpness=6.0) < 0.5


@pytest.mark.parametrize("trials", [12, pytest.param(80, marks=pytest.mark.slow)])
def test_no_more_violations_without_a_held_out_part_than_delta_allows(trials):
    coverage("agreement_no_holdout", trials, 200, 100, 0.5, K=2, d=2, sharpness=6.0)
