"""Worlds draw what they say, their truths are right, and the assumptions they break are really broken."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from bounds.errors import InvalidOption
from bounds.heads.linear import Head
from bounds.heads.losses import HeadLosses
from bounds.heads.simplex import project_simplex
from bounds.theorems import THEOREMS
from bounds.worlds import WORLDS, Population, World, draws, gaussian_population
from bounds.worlds import truth as true

pytestmark = pytest.mark.usefixtures("one_thread")


def sample_of(name, seed=0, *sizes):
    return WORLDS[name]().sample(np.random.default_rng(seed), *sizes)


def rows(table, view=0):
    return table.views[view]


@pytest.mark.parametrize("name", WORLDS)
def test_a_sample_has_the_sizes_labels_and_radius_it_should(name):
    world = WORLDS[name]()
    evidence = sample_of(name).evidence
    assert evidence.n == world.n
    assert evidence.m in (
        world.m,
        *range(world.m - 2 * world.num_classes, world.m),
        world.n // 2,
        world.n // 2 - 1,
    )
    assert evidence.need_test().count == world.N
    assert evidence.setting.num_classes == world.num_classes == len(world.prior)
    largest = max(float(v.norm(dim=1).max()) for v in (rows(evidence.labeled), *evidence.pairs.views))
    assert largest <= world.radius * (1 + 1e-9) or "A4" in world.violated
    assert {one.name for one in evidence.setting.assumptions.values() if not one.holds} == set(world.failing)
    assert abs(world.prior.sum() - 1) < 1e-12


@pytest.mark.parametrize("name", ["gaussian", "memorised_pairs"])
def test_samples_depend_on_the_generator_alone(name):
    first, again, other = (sample_of(name, seed).evidence for seed in (1, 1, 2))
    assert torch.equal(rows(first.labeled), rows(again.labeled))
    assert torch.equal(rows(first.pairs, 1), rows(again.pairs, 1))
    assert not torch.equal(rows(first.labeled), rows(other.labeled))


def chi_square(index, expected):
    seen = np.bincount(index, minlength=len(expected))
    assert not seen[expected == 0].any()
    kept = expected > 0
    return stats.chisquare(seen[kept], expected[kept] * len(index)).pvalue


def test_items_and_pairs_follow_the_weights():
    population = WORLDS["discrete"]().population
    rng = np.random.default_rng(0)
    assert chi_square(draws.independent(population, 20_000, rng), population.weights) > 1e-3
    first, second = draws.class_pairs(population, 20_000, rng, np.empty(0))
    labels = population.labels
    assert np.array_equal(labels[first], labels[second])
    # A1: given the class the views are independent, so the joint law is p_y q(a|y) q(b|y).
    given = population.weights / population.prior[labels]
    joint = (labels[:, None] == labels) * population.prior[labels][:, None] * given[:, None] * given
    assert chi_square(first * len(labels) + second, joint.ravel()) > 1e-3


def test_views_of_one_image_are_independent_given_the_image_but_not_given_the_class():
    population = WORLDS["augmentations"]().population
    rng = np.random.default_rng(0)
    first, second = draws.view_pairs(population, 4000, rng, np.empty(0))
    assert np.array_equal(population.images[first], population.images[second])
    assert stats.chisquare(np.bincount(4 * (first % 4) + second % 4)).pvalue > 1e-3
    assert (first != second).mean() == pytest.approx(0.75, abs=0.03)


def test_stratified_labels_have_exact_counts_and_pools_are_disjoint():
    world = WORLDS["stratified"]()
    drawn = world.labeled(world.population, 60, np.random.default_rng(0))
    assert np.bincount(world.population.labels[drawn]).tolist() == [20, 20, 20]
    pool = WORLDS["shared_items"]()
    S = pool.labeled(pool.population, 160, np.random.default_rng(0))
    first, second = draws.pairs_of_labeled(pool.population, 0, np.random.default_rng(1), S)
    used = np.concatenate([first, second])
    assert all((used == x).sum() <= (x == S).sum() for x in used)


def test_repeated_items_are_few():
    evidence = sample_of("repeated").evidence
    assert len(torch.unique(rows(evidence.labeled), dim=0)) <= 5
    assert len(torch.unique(torch.cat(evidence.pairs.views, 1), dim=0)) <= 5


def test_memorised_encoders_treat_the_data_they_saw_apart():
    sample = sample_of("memorised_labels")
    fresh = sample_of("memorised_labels", 1)
    head = sample.evidence.min_norm
    assert sample.evidence.labeled_losses(head).mean_residual < 1e-6
    assert true.mean_loss(head, sample) > 10
    assert not torch.equal(sample.z, fresh.z)
    pairs = sample_of("memorised_pairs").evidence.pair_moments
    assert pairs.invariance == 0


def some_head(sample, seed=0):
    rng = np.random.default_rng(seed)
    K, d = sample.evidence.setting.num_classes, sample.z.shape[1]
    return Head(torch.from_numpy(rng.normal(size=(K, d))), torch.from_numpy(rng.normal(size=K)), "random")


@pytest.mark.parametrize("name", ["discrete", "rare", "few_items"])
def test_true_losses_agree_with_a_large_sample(name):
    sample = sample_of(name, 0, 10, 10, 40_000)
    head = some_head(sample)
    measured = HeadLosses.of(head, ((v[0], y) for v, y in sample.evidence.need_test().chunks()))
    error = 5 / math.sqrt(40_000)
    assert true.mean_loss(head, sample) == pytest.approx(measured.mean_residual, abs=4 * error)
    assert true.root_mean_square(head, sample) == pytest.approx(measured.rms_residual, abs=4 * error)
    assert true.projected_loss(head, sample) == pytest.approx(measured.projected_residual, abs=error)
    assert true.error(head, sample) == pytest.approx(measured.error, abs=error)


def test_a_tie_is_an_error():
    sample = sample_of("collapsed")
    same = Head(torch.zeros(3, sample.z.shape[1], dtype=torch.float64), None, "constant")
    assert true.error(same, sample) == 1.0


def found(name, sample):
    return THEOREMS[name].found(sample.evidence, 0.1)


def test_the_gibbs_error_is_that_of_random_heads():
    sample = sample_of("overlap")
    inputs = found("pac_bayes", sample)
    chosen = next(
        one
        for one in true.candidates(sample.evidence)
        if (one.sigma, one.distance) == (inputs.values["sigma"], inputs.values["head_shift"])
    )
    inverse = chosen.metric.basis / chosen.metric.root @ chosen.metric.basis.T
    generator = torch.Generator().manual_seed(0)
    head, draws_ = sample.evidence.head, 400
    errors = []
    for _ in range(draws_):
        noise = torch.randn(head.weight.shape, generator=generator, dtype=torch.float64)
        errors.append(true.error(replace(head, weight=head.weight + chosen.sigma * noise @ inverse), sample))
    spread = np.std(errors) / math.sqrt(draws_)
    assert true.gibbs_error(inputs, sample) == pytest.approx(np.mean(errors), abs=5 * spread)


def class_means(sample):
    labels, weights, z = sample.labels.numpy(), sample.weights.numpy(), sample.z.numpy()
    prior = np.bincount(labels, weights)
    return prior, np.stack([weights[labels == y] @ z[labels == y] / prior[y] for y in range(len(prior))])


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("name", ["simclr", "simclr_logistic"])
def test_the_loss_of_the_mean_classifier_is_the_loop_over_its_definition(name, k):
    sample = sample_of("discrete")
    inputs = found(name, sample)
    inputs = replace(inputs, values={**inputs.values, "negatives": k})
    prior, means = class_means(sample)
    total, mass = 0.0, 0.0
    for z, y, w in zip(sample.z.numpy(), sample.labels.tolist(), sample.weights.tolist(), strict=True):
        for negatives in itertools.product(range(len(prior)), repeat=k):
            if y not in negatives:
                margins = [inputs.values["scale"] ** 2 * z @ (means[y] - means[c]) for c in negatives]
                hinge, logistic = (
                    max(0.0, 1 - min(margins)),
                    math.log2(1 + sum(math.exp(-v) for v in margins)),
                )
                share = w * np.prod([prior[c] for c in negatives])
                total, mass = total + share * (hinge if name == "simclr" else logistic), mass + share
    assert true.mean_classifier_loss(inputs, sample) == pytest.approx(total / mass, rel=1e-12)


def test_the_softmax_and_scaled_mean_losses_are_the_loops_over_their_definitions():
    sample = sample_of("known_prior")
    _, means = class_means(sample)
    points = list(zip(sample.z.numpy(), sample.labels.tolist(), sample.weights.tolist(), strict=True))
    softmax, squares = found("infonce", sample), found("haochen_2021", sample)
    t, alpha = softmax.values["temperature"], squares.values["head_scale"]
    loss = sum(
        w * (math.log(sum(math.exp(z @ u / t) for u in means)) - z @ means[y] / t) for z, y, w in points
    )
    square = sum(w * float(np.sum((alpha * means @ z - np.eye(3)[y]) ** 2)) for z, y, w in points)
    assert true.mean_softmax_loss(softmax, sample) == pytest.approx(loss, rel=1e-12)
    assert true.scaled_means_root_square(squares, sample) == pytest.approx(math.sqrt(square), rel=1e-12)


def test_the_contrastive_loss_agrees_with_the_sum_over_all_batches():
    sample = sample_of("separable")
    inputs = replace(found("van_elst_2024", sample), values={"negatives": 2, "temperature": 0.5})
    # One orthogonal input per class: the loss depends on how many of two negatives collide, each with chance 1/3.
    expected = sum(
        math.comb(2, j) * (1 / 3) ** j * (2 / 3) ** (2 - j) * math.log(1 + j + (2 - j) * math.exp(-2))
        for j in range(3)
    )
    assert true.infonce_loss(inputs, sample) == pytest.approx(expected, abs=0.01)


def test_the_gain_of_averaging_is_half_the_squared_difference_of_views():
    sample = sample_of("augmentations")
    head = some_head(sample)
    first, second = sample.fresh_pairs(200_000)
    g = project_simplex(head(sample.z))
    half = 0.5 * (g[first] - g[second]).square().sum(1)
    assert true.averaging_gain(head, sample) == pytest.approx(
        float(half.mean()), abs=5 * float(half.std()) / 400
    )


def test_populations_and_samples_refuse_what_makes_no_sense():
    points, labels = torch.eye(2, dtype=torch.float64), np.array([0, 1])
    with pytest.raises(InvalidOption, match="sum to one"):
        Population(points, labels, np.array([0.5, 0.6]))
    with pytest.raises(InvalidOption, match="sorted"):
        Population(points, labels[::-1].copy(), np.array([0.5, 0.5]))
    world = World("two points", "", Population(points, labels, np.array([0.5, 0.5])))
    with pytest.raises(InvalidOption, match="at least one"):
        world.sample(np.random.default_rng(0), n=0)


def test_gaussian_worlds_have_the_prior_and_views_asked_for():
    population = gaussian_population(num_classes=2, dim=3, prior=(0.25, 0.75), points=10, views=3)
    assert population.prior == pytest.approx([0.25, 0.75])
    assert np.bincount(population.images).tolist() == [3] * 20
    assert population.points.norm(dim=1) == pytest.approx(torch.ones(60, dtype=torch.float64))
