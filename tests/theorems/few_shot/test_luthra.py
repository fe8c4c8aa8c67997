"""Few-shot error from moments: printed digits, worlds with known moments, the trap of near-orthogonality."""

import math

import numpy as np
import pytest
import torch

import bounds
from bounds.derivations import luthra_2025
from bounds.errors import InvalidStatistics, NotApplicable
from bounds.summaries.class_distances import class_distances
from bounds.summaries.class_shapes import (
    ClassShapes,
    cantelli,
    conditional,
    near_orthogonality,
    predicted,
    printed,
)
from bounds.summaries.episodes import share_of_errors
from bounds.summaries.few_shot_rules import Mean
from bounds.theorems import THEOREMS
from bounds.theorems.few_shot.luthra_2025 import best_a
from bounds.worlds import WORLDS

pytestmark = pytest.mark.usefixtures("one_thread")

POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 1.0]], dtype=torch.float64)
LABELS = torch.tensor([0, 0, 0, 1, 1])
WEIGHTS = torch.tensor([1 / 6] * 3 + [1 / 4] * 2, dtype=torch.float64)


def small():
    return ClassShapes.exact(POINTS, LABELS, WEIGHTS)


@pytest.mark.parametrize(
    ("shots", "theorem", "chebyshev", "exact", "given"),
    [(1, 1.533458, 0.208056, 0.168308, 0.145776), (2, 0.720895, 0.124787, 0.108420, 0.069978)],
)
def test_all_forms_have_their_known_values_in_a_small_world(shots, theorem, chebyshev, exact, given):
    shapes = small()
    variance, a = sum(shapes.spread(shots).values()), shapes.advantage(shots)
    assert sum(printed(shapes, shots).values()) == pytest.approx(theorem, abs=5e-7)
    assert float((variance / a.square())[shapes.pairs].sum()) / 2 == pytest.approx(chebyshev, abs=5e-7)
    assert sum(cantelli(shapes, shots).values()) == pytest.approx(exact, abs=5e-7)
    found = conditional(POINTS, LABELS, POINTS, LABELS, shots, weights=WEIGHTS, shares=WEIGHTS)
    assert found == pytest.approx(given, abs=5e-7)


def test_mean_and_variance_of_the_advantage_are_those_of_the_world():
    shapes = small()
    a = (shapes.advantage(2) * shapes.square)[shapes.pairs]
    variance = (sum(shapes.spread(2).values()) * shapes.square**2)[shapes.pairs]
    assert a.tolist() == pytest.approx([12.708333, 14.680556], abs=5e-7)
    assert variance.tolist() == pytest.approx([29.816551, 13.998650], abs=5e-7)


def world(seed, classes=3, points=4, dim=3):
    rng = np.random.default_rng(seed)
    labels = np.arange(classes).repeat(points)
    z = (
        rng.normal(size=(len(labels), dim)) * rng.choice([0.3, 1.0, 2.0])
        + 3 * rng.normal(size=(classes, dim))[labels]
    )
    weights = rng.dirichlet(np.ones(points), size=classes).ravel() / classes
    return torch.from_numpy(z), torch.from_numpy(labels), torch.from_numpy(weights)


def drawn(z, labels, weights, shots, episodes=4000):
    rng = np.random.default_rng(0)
    index = []
    for y in range(int(labels.max()) + 1):
        own = np.flatnonzero(labels.numpy() == y)
        p = weights.numpy()[own]
        index.append(rng.choice(own, (episodes, shots + 1), p=p / p.sum()))
    return torch.from_numpy(np.stack(index, axis=1))


@pytest.mark.parametrize("shots", [1, 3])
def test_with_known_moments_all_forms_lie_above_the_error(shots):
    """And the mean and variance of the advantage are those of drawn episodes."""
    for seed in range(12):
        z, labels, weights = world(seed)
        shapes = ClassShapes.exact(z, labels, weights)
        index = drawn(z, labels, weights, shots)
        error = float(share_of_errors(Mean(), Mean().prepare(z), index, "all", None).mean())
        slack = 4 * math.sqrt(max(error, 1e-3) / len(index))
        given = conditional(z, labels, z, labels, shots, weights=weights, shares=weights)
        exact = sum(cantelli(shapes, shots).values())
        assert error <= exact + slack
        assert error <= given + slack
        assert exact <= sum(printed(shapes, shots).values()) + 1e-9
        x, means = z[index[:, 0, -1]], z[index[:, :, :-1]].mean(2)
        margin = (x - means[:, 1]).square().sum(1) - (x - means[:, 0]).square().sum(1)
        d2 = float(shapes.square[0, 1])
        variance = float(sum(shapes.spread(shots).values())[0, 1]) * d2**2
        assert float(margin.mean()) == pytest.approx(
            float(shapes.advantage(shots)[0, 1]) * d2, abs=5 * math.sqrt(variance / len(index))
        )
        assert float(margin.var()) == pytest.approx(variance, rel=0.25)


def test_more_shots_leave_the_axis_alone():
    parts = cantelli(small(), 10**8)
    assert parts["axis"] > 0.02
    assert max(value for name, value in parts.items() if name != "axis") < 1e-6


def test_sample_moments_are_those_of_loops_and_approach_the_worlds():
    z, labels, weights = world(1)
    rng = np.random.default_rng(0)
    rows = rng.choice(len(labels), 300, p=weights.numpy())
    x, y = z[rows], labels[rows]
    shapes = ClassShapes.of(x, y, 3)
    for i in range(3):
        own = x[y == i].numpy()
        n, centred = len(own), own - own.mean(0)
        S = np.cov(own.T)
        norms = (centred**2).sum(1)
        assert float(shapes.variance[i]) == pytest.approx(np.trace(S))
        assert float(shapes.fourth[i]) == pytest.approx((norms**2).mean())
        assert float(shapes.cross[i, i]) == pytest.approx((S**2).sum())
        for j in set(range(3)) - {i}:
            line = x[y == j].numpy().mean(0) - own.mean(0)
            u = line / np.linalg.norm(line)
            assert float(shapes.along[i, j]) == pytest.approx(u @ S @ u)
            assert float(shapes.skew[i, j]) == pytest.approx((centred @ u * norms).mean())
            noise = np.trace(S) / n + np.trace(np.cov(x[y == j].numpy().T)) / int((y == j).sum())
            assert float(shapes.square[i, j]) == pytest.approx(line @ line - noise)
    big = rng.choice(len(labels), 40000, p=weights.numpy())
    close, true = ClassShapes.of(z[big], labels[big], 3), ClassShapes.exact(z, labels, weights)
    assert sum(cantelli(close, 2).values()) == pytest.approx(sum(cantelli(true, 2).values()), rel=0.1)


def test_the_prediction_is_near_the_error_of_gaussian_classes():
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(rng.integers(3, size=6000))
    z = torch.from_numpy(rng.normal(size=(6000, 40)) + 1.6 * np.eye(3, 40)[labels])
    shapes = ClassShapes.of(z, labels, 3)
    index = drawn(z, labels, torch.ones(6000, dtype=torch.float64), 5)
    for ways in ("all", "pairs"):
        error = float(share_of_errors(Mean(), Mean().prepare(z), index, ways, None).mean())
        assert predicted(shapes, 5, ways) == pytest.approx(error, abs=0.03)
    assert predicted(shapes, 5, 3) == pytest.approx(predicted(shapes, 5), rel=1e-12)
    assert predicted(shapes, 1) > predicted(shapes, 5) > predicted(shapes, 50)


def test_equal_means_count_one_and_lonely_items_are_left_out():
    z = torch.tensor([[0.0], [1.0], [0.0], [1.0], [9.0]], dtype=torch.float64)
    shapes = ClassShapes.of(z, torch.tensor([0, 0, 1, 1, 2]), 3)
    assert shapes.classes.tolist() == [0, 1]
    assert sum(cantelli(shapes, 3).values()) == 1.0
    assert sum(printed(shapes, 3).values()) == 1.0
    assert predicted(shapes, 3) == 1.0
    with pytest.raises(InvalidStatistics, match="two classes"):
        ClassShapes.of(z, torch.tensor([0, 0, 1, 2, 3]), 4)


# The theorem of 2025


@pytest.mark.parametrize(("shots", "value"), [(1, 29.11), (10, 5.67), (500, 1.459)])
def test_the_corrected_theorem_has_the_authors_values(shots, value):
    numbers = {"variance_ratio": 1.6721, "directional": 0.07286, "shots": float(shots), "K": 2.0}
    a = best_a(1.6721, 0.07286, float(shots))
    found = math.fsum(luthra_2025.expression().evaluate(numbers | {"a": a}).values())
    assert found == pytest.approx(value, abs=0.006 if shots < 500 else 6e-4)
    for other in (0.97 * a, 1.03 * a):
        if other >= 5 and other > 4 + 2**2.5 / shots:
            assert math.fsum(luthra_2025.expression().evaluate(numbers | {"a": other}).values()) >= found


def test_the_bracket_of_the_corrected_theorem_must_be_positive():
    numbers = {"variance_ratio": 1.6721, "directional": 0.07286, "shots": 1.0, "K": 2.0}
    with pytest.raises(NotApplicable, match="does not hold"):
        luthra_2025.expression().evaluate(numbers | {"a": 5.0})
    with pytest.raises(NotApplicable, match="does not hold"):
        luthra_2025.expression().evaluate(numbers | {"a": 4.5, "shots": 500.0})
    assert best_a(1e-9, 100.0, 10**6) > 1000
    assert best_a(1e3, 1e-9, 10**6) == pytest.approx(5.0, rel=1e-3)


# In reports


def test_the_theorems_of_a_report_are_the_formulas_on_the_sample():
    sample = WORLDS["known_prior"]().with_options(prior=None, options={"few_shot": {"shots": 2}})
    evidence = sample.sample(np.random.default_rng(0), 120, 40, 40).evidence
    z = torch.cat([rows for rows, _ in evidence.labeled_chunks()])
    y = torch.from_numpy(evidence.labeled.labels)
    shapes = ClassShapes.of(z, y, evidence.setting.num_classes)
    values = {name: THEOREMS[name].evaluate(evidence, 0.1) for name in THEOREMS if name.startswith("luthra")}
    assert values["luthra_2026"].value == pytest.approx(sum(printed(shapes, 2).values()), rel=1e-9)
    assert values["luthra_2026_exact"].value == pytest.approx(sum(cantelli(shapes, 2).values()), rel=1e-9)
    V, directional = class_distances(evidence.classes, evidence.labeled_chunks())
    a, K = best_a(V, directional, 2.0), int((evidence.classes.counts > 0).sum())
    expected = (K - 1) * (
        directional / (0.5 - 2 / a - 2**1.5 / (2 * a)) ** 2 + a / 4 * (2 / 2**0.5 * (V**0.5 + V) + V / 2)
    )
    assert values["luthra_2025"].value == pytest.approx(expected, rel=1e-9)
    assert 0 < values["luthra_2026_conditional"].value <= 1
    for bound in values.values():
        assert bound.kind == "estimate"
        assert not bound.certified
        assert bound.error_rate is None
    x = np.random.default_rng(0).normal(size=(6, 3))
    lonely = bounds.evaluate(None, (x, np.arange(6)), progress=False)
    assert "two classes" in lonely.not_applicable["luthra_2026"]
    assert "luthra_2026_conditional" in lonely.not_applicable


# Near-orthogonality


def test_lines_of_independent_labelings_are_nearly_orthogonal():
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = (torch.from_numpy(one) for one in np.divmod(np.arange(60) % 6, 2))
        z = (
            torch.from_numpy(rng.normal(size=(6, 4)))[torch.arange(60) % 6]
            + 0.1 * torch.from_numpy(rng.normal(size=(10, 4)))[torch.arange(60) // 6]
        )
        found = near_orthogonality(z, first, second)
        assert found["cosine"] <= found["limit"] + 1e-9


def test_the_variance_of_the_pair_alone_is_a_trap():
    """A third class carries all of the second task: the pair sees no variance along its line, and yet the lines agree."""
    first = torch.tensor([0, 0, 1, 1, 2, 2]).repeat(50)
    second = torch.tensor([0, 1]).repeat(150)
    z = torch.zeros(300, 2, dtype=torch.float64)
    z[first == 1, 0] = 1.0
    z[(first == 2) & (second == 1), 0] = 5.0
    found = near_orthogonality(z, first, second)
    assert found["cosine"] == pytest.approx(1.0)
    assert found["cosine"] <= found["limit"]
    own = z[first < 2]
    within = sum(float(own[first[first < 2] == a, 0].var(unbiased=False)) for a in (0, 1)) / 2
    assert 2 * math.sqrt(within) < found["cosine"]  # the limit by the pair alone, at d1 = 1, is zero
    with pytest.raises(InvalidStatistics, match="no line"):
        near_orthogonality(z, first, second, pair=(0, 0))
    with pytest.raises(InvalidStatistics, match="no line"):
        near_orthogonality(z, first, second, other=(0, 7))
