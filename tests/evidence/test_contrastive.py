"""Contrastive statistics against double loops: all pairs, blocks, collisions, distances, mean classifier."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bounds.errors import InvalidData, InvalidOption, InvalidStatistics
from bounds.evidence.contrastive import all_pairs
from bounds.evidence.negatives import block_losses
from bounds.evidence.thinning import chosen_rows, independent_items
from bounds.representations.table import Representations
from bounds.summaries.class_distances import class_distances
from bounds.summaries.classes import ClassMoments
from bounds.summaries.collisions import (
    collision_interval,
    collision_probability,
    coverage_probability,
    expected_log_collisions,
    harmonic,
    task_weight,
)
from bounds.summaries.mean_classifier import mean_classifier
from bounds.summaries.spectral import SpectralMoments
from tests.reference import contrastive as naive


def unit_pairs(m, d, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(m, d))
    second = first + 0.7 * rng.normal(size=(m, d))
    return tuple(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (first, second))


# All pairs


@given(m=st.integers(2, 23), d=st.integers(1, 9), rows=st.integers(1, 30), block=st.integers(1, 9))
@settings(max_examples=40)
def test_all_pairs_equal_a_double_loop_for_any_chunks_and_blocks(m, d, rows, block):
    first, second = unit_pairs(m, d)
    scales = (0.5, 1.0, 3.0)
    found = all_pairs(Representations((first, second)), scales, rows=rows, block=block)
    for k, scale in enumerate(scales):
        assert found.hinge[k] == pytest.approx(naive.all_pairs(first, second, naive.hinge, scale), rel=1e-12)
        expected = naive.all_pairs(first, second, naive.logistic, scale)
        assert found.logistic[k] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0, 6.0])
@pytest.mark.parametrize(("m", "d", "block"), [(300, 512, 1024), (150, 3, 16)])
def test_float32_stays_within_its_stated_rounding(scale, m, d, block):
    first, second = unit_pairs(m, d)
    table = Representations((first, second))
    exact = all_pairs(table, [scale], dtype=torch.float64, block=block)
    short = all_pairs(table, [scale], dtype=torch.float32, block=block)
    assert abs(short.hinge[0] - exact.hinge[0]) <= short.hinge_rounding[0] < 5e-3
    assert abs(short.logistic[0] - exact.logistic[0]) <= short.logistic_rounding[0] < 5e-3
    assert exact.hinge_rounding[0] < 1e-11


def test_rounding_grows_with_the_dimension_as_the_worst_case_does():
    found = [all_pairs(Representations(unit_pairs(8, d)), dtype=torch.float32) for d in (8, 512)]
    summing = 1.01 * 1028 * 2.0**-24
    products = [one.hinge_rounding[0] - summing * one.hinge[0] for one in found]
    assert products[1] - products[0] == pytest.approx((512 - 8) * 2.0**-24, rel=0.01)


def test_scaling_the_representation_is_the_same_as_the_scale():
    first, second = unit_pairs(31, 5)
    grown = all_pairs(Representations((3 * first, 3 * second)), [1.0], radius=3.0)
    scaled = all_pairs(Representations((first, second)), [3.0])
    assert grown.hinge[0] == pytest.approx(scaled.hinge[0], rel=1e-12)
    assert grown.logistic[0] == pytest.approx(scaled.logistic[0], rel=1e-12)


def test_a_constant_encoder_costs_exactly_one():
    ones = np.ones((7, 4)) / 2
    found = all_pairs(Representations((ones, ones)))
    assert found.hinge[0] == found.logistic[0] == 1.0


def test_short_products_are_not_trusted_where_torch_is_told_to_shorten_them():
    first, second = unit_pairs(40, 6)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        found = all_pairs(Representations((first, second)))
    finally:
        torch.set_float32_matmul_precision(before)
    assert found.hinge_rounding[0] < 1e-12


def test_all_pairs_refuse_bad_input():
    first, second = unit_pairs(6, 3)
    with pytest.raises(InvalidStatistics, match="two views"):
        all_pairs(Representations((first,)))
    with pytest.raises(InvalidStatistics, match="two items"):
        all_pairs(Representations((first[:1], second[:1])))
    with pytest.raises(InvalidStatistics, match="norm"):
        all_pairs(Representations((2 * first, second)))
    with pytest.raises(InvalidOption, match="Scales"):
        all_pairs(Representations((first, second)), [7.0])
    with pytest.raises(InvalidOption, match="Scales"):
        all_pairs(Representations((first, second)), [])
    second[4, 1] = math.nan
    with pytest.raises(InvalidData, match="NaN"):
        all_pairs(Representations((first, second)))


# Blocks of k + 1


@pytest.mark.parametrize("k", [1, 4, 9])
def test_one_block_equals_a_double_loop_whatever_the_partition(k):
    first, second = unit_pairs(k + 1, 4, seed=k)
    found = block_losses(Representations((first, second)), k, (1.0, 2.0), seed=5)
    for s, scale in enumerate((1.0, 2.0)):
        assert found.hinge[s] == pytest.approx(naive.one_block(first, second, naive.hinge, scale), rel=1e-12)
        assert found.infonce[s] == pytest.approx(naive.one_block(first, second, naive.nats, scale), rel=1e-12)
        expected = naive.one_block(first, second, naive.logistic, scale)
        assert found.logistic[s] == pytest.approx(expected, rel=1e-12)


def test_blocks_of_two_estimate_the_all_pairs_mean():
    table = Representations(unit_pairs(600, 3))
    exact = all_pairs(table)
    found = block_losses(table, 1, partitions=200)
    assert found.blocks == 300
    assert found.hinge[0] == pytest.approx(exact.hinge[0], abs=0.01)
    assert found.logistic[0] == pytest.approx(exact.logistic[0], abs=0.01)


def test_a_table_sorted_by_class_is_no_different_from_a_shuffled_one():
    rng = np.random.default_rng(0)
    world = naive.DiscreteWorld(rng, classes=10, points=4, dim=8)
    labels = np.sort(rng.integers(10, size=3000))
    first, second, _ = world.draw(rng, 3000, labels)
    order = rng.permutation(3000)
    in_order = block_losses(Representations((first, second)), 5).infonce[0]
    shuffled = block_losses(Representations((first[order], second[order])), 5).infonce[0]
    consecutive = np.mean(
        [naive.one_block(first[i : i + 6], second[i : i + 6], naive.nats, 1.0) for i in range(0, 3000, 6)]
    )
    assert in_order == pytest.approx(shuffled, abs=0.02)
    assert consecutive > in_order + 0.1


def test_blocks_do_not_depend_on_how_the_table_is_stored(tmp_path):
    first, second = unit_pairs(50, 4)
    np.save(tmp_path / "a.npy", first)
    stored = np.load(tmp_path / "a.npy", mmap_mode="r")
    plain = block_losses(Representations((first, second)), 3, rows=20)
    assert block_losses(Representations((stored, torch.from_numpy(second))), 3, rows=20) == plain


def test_blocks_refuse_bad_input():
    table = Representations(unit_pairs(5, 3))
    with pytest.raises(InvalidStatistics, match="at least 6 items"):
        block_losses(table, 5)
    with pytest.raises(InvalidOption, match="negative"):
        block_losses(table, 0)
    with pytest.raises(InvalidStatistics, match="two views"):
        block_losses(Representations(table.views[:1]), 1)


def test_thinning_gives_independent_classes_and_uses_no_pair_twice():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), [400, 300, 200, 100])
    prior = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    counts = []
    for seed in range(60):
        items = independent_items(labels[rng.permutation(1000)], prior, failure=1e-3, seed=seed)
        assert len(np.unique(items)) == len(items)
        counts.append(len(items))
    drawn = [
        np.bincount(labels[independent_items(labels, prior, failure=1e-3, seed=s)], minlength=4)
        for s in range(60)
    ]
    # Class counts vary as multinomial counts do, where those of the pool are fixed.
    size = counts[0]
    assert 600 < size < 1000
    assert np.var([one[0] for one in drawn]) == pytest.approx(size * 0.4 * 0.6, rel=0.6)
    assert np.mean([one[3] for one in drawn]) == pytest.approx(0.1 * size, rel=0.1)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_chosen_rows_are_read_as_a_copy_would_be(kind):
    first, second = unit_pairs(40, 3)
    items = np.array([7, 3, 39, 0, 3, 21])
    table = chosen_rows(Representations((kind(first), kind(second)), np.arange(40)), items)
    assert (table.count, table.dim, list(table.labels)) == (6, 3, list(items))
    copied = all_pairs(Representations((first[items], second[items])))
    assert all_pairs(table, rows=4).hinge == pytest.approx(copied.hinge)
    assert block_losses(table, 2) == block_losses(Representations((first[items], second[items])), 2)


def test_a_class_runs_out_no_more_often_than_allowed():
    from scipy.stats import binom

    labels = np.repeat(np.arange(3), [50, 30, 20])
    prior = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    size = len(independent_items(labels, prior, failure=0.05, seed=0))
    exact = sum(binom.sf(count, size, p) for count, p in zip([50, 30, 20], [0.5, 0.3, 0.2], strict=True))
    assert exact <= 0.05


def test_a_class_without_pairs_leaves_nothing_to_draw():
    prior = torch.tensor([0.5, 0.5], dtype=torch.float64)
    assert len(independent_items(np.zeros(30, dtype=np.int64), prior, failure=1e-6)) == 0


# Collisions and coverage


def uniform(classes):
    return torch.full((classes,), 1 / classes, dtype=torch.float64)


@pytest.mark.parametrize(("classes", "draws"), [(1, 1), (3, 3), (5, 9), (10, 40), (100, 128), (30, 29)])
def test_coverage_is_that_of_exact_rationals(classes, draws):
    exact = sum(
        (-1) ** i * math.comb(classes, i) * Fraction(classes - i, classes) ** draws
        for i in range(classes + 1)
    )
    found = coverage_probability(classes, draws)
    assert found == pytest.approx(float(exact), rel=1e-12)
    assert found <= exact


def test_coverage_by_an_alternating_float_sum_is_the_peers_mistake():
    # The alternating sum loses every digit; as a divisor it would make a bound far too small.
    alternating = sum((-1.0) ** i * math.comb(100, i) * (1 - i / 100) ** 128 for i in range(101))
    assert abs(alternating) > 1e-6
    assert coverage_probability(100, 128) == pytest.approx(1.5036205078197799e-22, rel=1e-12)


@pytest.mark.parametrize("negatives", [1, 2, 1030, 5000, 100_000])
def test_collision_terms_stay_finite_for_many_negatives(negatives):
    prior = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
    value = expected_log_collisions(prior, negatives)
    assert 0 < value <= math.log(1 + negatives * 0.38) + 1e-12  # Jensen
    if negatives > 1000:
        assert value == pytest.approx(sum(p * math.log(1 + negatives * p) for p in (0.5, 0.3, 0.2)), rel=1e-2)
    assert 0 < collision_probability(prior, negatives) <= 1


def test_collisions_equal_the_sum_over_all_draws():
    prior = [0.5, 0.3, 0.2]
    total = expected = 0.0
    for anchor in range(3):
        for code in range(3**4):
            draws = [code // 3**i % 3 for i in range(4)]
            weight = prior[anchor] * math.prod(prior[c] for c in draws)
            total += weight * (anchor in draws)
            expected += weight * math.log(1 + draws.count(anchor))
    p = torch.tensor(prior, dtype=torch.float64)
    assert collision_probability(p, 4) == pytest.approx(total, rel=1e-14)
    assert expected_log_collisions(p, 4) == pytest.approx(expected, rel=1e-12)
    assert expected_log_collisions(p, 4) <= expected


def test_one_negative_collides_with_the_sum_of_squares():
    p = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64)
    assert collision_probability(p) == pytest.approx(0.54, rel=1e-15)
    assert expected_log_collisions(p) == pytest.approx(0.54 * math.log(2), rel=1e-12)
    assert task_weight(p) == pytest.approx(0.1, rel=1e-12)


def test_task_weight_is_the_smallest_over_pairs_of_classes():
    p = [0.5, 0.3, 0.2]
    expected = min((1 - p[y]) ** 6 - (1 - p[y] - p[c]) ** 6 for y in range(3) for c in range(3) if y != c)
    assert task_weight(torch.tensor(p, dtype=torch.float64), 6) == pytest.approx(expected, rel=1e-12)


def test_harmonic_numbers_are_not_approximated_from_below():
    assert harmonic(0) == 0
    assert harmonic(4) == pytest.approx(25 / 12, rel=1e-15)
    assert harmonic(999) > math.log(999) + 0.5772156649


def test_the_collision_interval_covers_and_narrows():
    rng = np.random.default_rng(3)
    p = np.array([0.6, 0.2, 0.1, 0.1])
    truth, missed = float((p**2).sum()), 0
    for _ in range(300):
        low, high = collision_interval(torch.from_numpy(rng.multinomial(40, p)), 0.2)
        missed += not low <= truth <= high
    assert missed <= 75  # 0.2·300 plus two standard deviations
    wide = collision_interval(torch.tensor([60, 20, 10, 10]), 0.1)
    narrow = collision_interval(torch.tensor([6000, 2000, 1000, 1000]), 0.1)
    assert wide[0] < narrow[0] < truth < narrow[1] < wide[1]
    assert collision_interval(torch.tensor([5, 5]), 0.05)[0] >= 0.5


def test_collisions_refuse_bad_input():
    with pytest.raises(InvalidStatistics, match="sum to 1"):
        collision_probability(torch.tensor([0.5, 0.4]))
    with pytest.raises(InvalidStatistics, match="negative"):
        expected_log_collisions(uniform(3), 0)
    with pytest.raises(InvalidStatistics, match="two labels"):
        collision_interval(torch.tensor([1, 0]), 0.05)
    with pytest.raises(InvalidStatistics, match="Coverage"):
        coverage_probability(0, 3)


# Spectral moments, class distances, mean classifier


@given(m=st.integers(2, 17), d=st.integers(1, 6), cut=st.integers(0, 17))
@settings(max_examples=30)
def test_spectral_moments_equal_a_double_loop_for_any_split(m, d, cut):
    first, second = (torch.from_numpy(v) for v in unit_pairs(m, d))
    empty = SpectralMoments.empty(d)
    found = empty.update(first[:cut], second[:cut]).merge(empty.update(first[cut:], second[cut:]))
    strangers = [float(first[i] @ first[j]) ** 2 for i in range(m) for j in range(m) if i != j]
    assert found.alignment == pytest.approx(
        sum(float(a @ b) for a, b in zip(first, second, strict=True)) / m, abs=1e-12
    )
    assert found.similarity == pytest.approx(math.fsum(strangers) / len(strangers), abs=1e-12)
    assert found.spectral_loss == pytest.approx(found.similarity - 2 * found.alignment)


def test_spectral_similarity_needs_two_pairs():
    with pytest.raises(InvalidStatistics, match="two pairs"):
        _ = SpectralMoments.empty(3).update(torch.ones(1, 3), torch.ones(1, 3)).similarity


def test_class_distances_equal_loops_over_pairs_of_classes():
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 3], [12, 9, 15])
    z = rng.normal(size=(36, 4)) + 3 * y[:, None]
    classes = ClassMoments.empty(4, 5).update(torch.from_numpy(z), torch.from_numpy(y))
    chunks = [
        (torch.from_numpy(z[:20]), torch.from_numpy(y[:20])),
        (torch.from_numpy(z[20:]), torch.from_numpy(y[20:])),
    ]
    ratio, directional = class_distances(classes, chunks)
    ratios, along = [], []
    for a in (0, 1, 3):
        for b in (0, 1, 3):
            if a == b:
                continue
            za, zb = z[y == a], z[y == b]
            gap = za.mean(0) - zb.mean(0)
            length = gap @ gap
            spread = [np.mean(((one - one.mean(0)) ** 2).sum(1)) for one in (za, zb)]
            ratios.append(sum(spread) / (2 * length))
            along.append(np.mean(((za - za.mean(0)) @ gap) ** 2) / length**2)
    assert ratio == pytest.approx(np.mean(ratios), rel=1e-12)
    assert directional == pytest.approx(np.mean(along), rel=1e-12)


def test_class_distances_refuse_one_class_and_equal_means():
    z = torch.eye(4, dtype=torch.float64)
    one = ClassMoments.empty(4, 2).update(z, torch.zeros(4, dtype=torch.int64))
    with pytest.raises(InvalidStatistics, match="two classes"):
        class_distances(one, [(z, torch.zeros(4, dtype=torch.int64))])
    labels = torch.tensor([0, 0, 1, 1])
    same = torch.tensor([[1.0], [-1.0], [2.0], [-2.0]], dtype=torch.float64)
    with pytest.raises(InvalidStatistics, match="same mean"):
        class_distances(ClassMoments.empty(1, 2).update(same, labels), [(same, labels)])


def test_the_mean_classifier_on_all_points_of_a_world_has_the_worlds_losses():
    rng = np.random.default_rng(4)
    world = naive.DiscreteWorld(rng, classes=4, points=3, prior=[0.4, 0.3, 0.2, 0.1])
    z = torch.from_numpy(world.z.reshape(12, -1))
    y = torch.arange(4).repeat_interleave(3)
    found = mean_classifier(
        torch.from_numpy(world.means),
        torch.from_numpy(world.prior),
        [(z[:5], y[:5]), (z[5:], y[5:])],
        scale=1.5,
        temperature=0.3,
    )
    assert found.count == 12
    assert found.hinge == pytest.approx(world.two_class(naive.hinge, 1.5), rel=1e-12)
    assert found.logistic == pytest.approx(world.two_class(naive.logistic, 1.5), rel=1e-12)
    assert found.softmax == pytest.approx(world.softmax(0.3), rel=1e-12)
    assert found.error == pytest.approx(world.error(), abs=1e-12)


def test_the_mean_classifier_leaves_out_classes_without_weight():
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    means = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64)
    prior = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    found = mean_classifier(means, prior, [(z, torch.tensor([0, 1]))])
    assert (found.error, found.hinge) == (0.0, 0.0)
    with pytest.raises(InvalidStatistics, match="two classes"):
        mean_classifier(means, torch.tensor([1.0, 0, 0]), [(z, torch.tensor([0, 1]))])
    with pytest.raises(InvalidStatistics, match="one labeled item"):
        mean_classifier(means, prior, [])
