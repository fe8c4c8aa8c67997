"""Class pairs: disjoint, same class, reproducible, and open about conditioning."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounds.data.pairing import class_pairs
from bounds.draws import permutation, uniforms
from bounds.errors import InvalidData

counts = st.lists(st.integers(2, 30), min_size=1, max_size=6)
pools = counts.map(lambda sizes: np.repeat(np.arange(len(sizes)), sizes))


@given(pools, st.integers(0, 2**64), st.booleans())
def test_pairs_are_disjoint_and_of_one_class(labels, seed, known):
    pairs = class_pairs(labels, seed=seed, class_prior_known=known, name="unlabeled")
    used = np.concatenate([pairs.first, pairs.second])
    assert len(set(used.tolist())) == len(used) <= len(labels)
    np.testing.assert_array_equal(labels[pairs.first], labels[pairs.second])
    np.testing.assert_array_equal(labels[pairs.first], pairs.labels)


@given(pools, st.integers(0, 100))
def test_a_known_prior_uses_every_item_it_can_and_says_that_counts_are_fixed(labels, seed):
    pairs = class_pairs(labels, seed=seed, class_prior_known=True, name="unlabeled")
    assert Counter(pairs.labels.tolist()) == {y: n // 2 for y, n in Counter(labels.tolist()).items()}
    assert pairs.conditioned
    assert not pairs.sequential


@given(pools, st.integers(0, 100))
def test_an_unknown_prior_draws_the_classes_from_the_pool(labels, seed):
    pairs = class_pairs(labels, seed=seed, class_prior_known=False, name="unlabeled")
    m = max(1, int(0.45 * len(labels)))
    drawn = Counter(labels[permutation(seed, len(labels))[:m]].tolist())
    kept = Counter(pairs.labels.tolist())
    assert drawn - kept == Counter(pairs.shortfall)
    assert pairs.count == m - sum(pairs.shortfall.values())
    assert pairs.conditioned == bool(pairs.shortfall)


def test_balanced_classes_of_usual_size_have_no_shortfall():
    pairs = class_pairs(np.arange(5000) % 10, seed=0, class_prior_known=False, name="unlabeled")
    assert pairs.count == 2250
    assert not pairs.conditioned


def test_a_class_that_runs_short_is_listed():
    labels = np.array([0] * 50 + [1] * 2)
    seeds = [class_pairs(labels, seed=s, class_prior_known=False, name="u").shortfall for s in range(60)]
    assert {1: 2} in seeds
    assert {} in seeds


def test_order_is_shuffled_and_depends_on_the_seed_alone():
    labels = np.repeat(np.arange(4), 100)
    a, b, c = (class_pairs(labels, seed=s, class_prior_known=True, name="u") for s in (1, 1, 2))
    np.testing.assert_array_equal(a.first, b.first)
    np.testing.assert_array_equal(a.second, b.second)
    assert (a.first != c.first).any()
    assert (np.diff(a.labels) != 0).sum() > 50


def test_each_partner_is_equally_likely():
    labels = np.zeros(4, dtype=int)
    met = Counter()
    for seed in range(600):
        pairs = class_pairs(labels, seed=seed, class_prior_known=True, name="u")
        met.update(frozenset(p) for p in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(met) == 6
    assert max(abs(n - 200) for n in met.values()) < 60  # five standard deviations


def test_one_item_in_a_class_is_an_error_that_names_it():
    with pytest.raises(InvalidData, match=r"`unlabeled` has one item only in class 7;"):
        class_pairs(np.array([0, 0, 7, 3, 3]), seed=0, class_prior_known=True, name="unlabeled")


def test_uniforms_depend_on_row_and_stream_not_on_company():
    rows = np.arange(1000)
    whole = uniforms(5, rows, 2, 7)
    np.testing.assert_array_equal(uniforms(5, rows[::-1], 2, 7)[::-1], whole)
    np.testing.assert_array_equal(uniforms(5, rows[300:310], 2, 3), whole[300:310, :3])
    for other in (uniforms(6, rows, 2, 7), uniforms(5, rows, 3, 7), uniforms(5, rows + 1000, 2, 7)):
        assert not np.isin(other, whole).any()


def test_uniforms_are_uniform_and_uncorrelated():
    draws = uniforms(0, np.arange(100_000), 0, 6)
    assert ((draws >= 0) & (draws < 1)).all()
    histogram = np.stack([np.histogram(column, bins=20, range=(0, 1))[0] for column in draws.T])
    chi2 = ((histogram - 5000) ** 2 / 5000).sum(axis=1)
    assert (chi2 < 45).all()  # 19 degrees of freedom: beyond 0.1 %
    correlation = np.corrcoef(draws, rowvar=False) - np.eye(6)
    assert np.abs(correlation).max() < 0.02
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.02
