"""Spectrum, directions and class collapse against naive forms on the whole matrix, and what each must not be."""

import numpy as np
import pytest
import torch

from bounds.errors import InvalidData
from bounds.information import coherence, ne_sum, neural_collapse, self_cluster, stable_rank, vicreg_terms
from bounds.information.measures import singular_values
from bounds.objectives import VICReg
from bounds.summaries import Geometry


def sample(n: int = 90, d: int = 7, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * np.arange(1, d + 1) + rng.normal(size=d)


def test_stable_rank_and_ne_sum_are_those_of_different_matrices() -> None:
    z = sample()
    raw = np.linalg.svd(z, compute_uv=False)
    values = np.linalg.eigvalsh(np.cov(z.T))
    assert stable_rank(singular_values(z)) == pytest.approx((z**2).sum() / raw[0] ** 2, rel=1e-12)
    assert ne_sum(torch.from_numpy(values)) == pytest.approx(values.sum() / values[-1], rel=1e-12)
    assert ne_sum(torch.ones(5)) == 5
    for measure in (stable_rank, ne_sum):
        with pytest.raises(InvalidData, match="collapsed"):
            measure(torch.zeros(4))


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e150])
def test_self_cluster_equals_its_definition_on_all_pairs(scale: float) -> None:
    z = sample(60)
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    n, d = z.shape
    expected = n + n * (n - 1) / d
    twin = (((unit @ unit.T) ** 2).sum() - expected) / (n * n - expected)
    for rows in (60, 7, 1):
        assert self_cluster(scale * z, rows=rows) == pytest.approx(twin, rel=1e-10)


def test_self_cluster_of_random_directions_and_of_one_line() -> None:
    spread = torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0))
    assert abs(self_cluster(spread)) < 1e-3
    assert self_cluster(torch.outer(torch.randn(50), torch.randn(4))) == pytest.approx(1)
    assert self_cluster(torch.cat([spread, torch.zeros(3, 16)])) == pytest.approx(self_cluster(spread))
    for bad in (torch.zeros(5, 3), torch.ones(5, 1)):
        with pytest.raises(InvalidData, match="two directions"):
            self_cluster(bad)


@pytest.mark.parametrize("rows", [90, 11])
def test_coherence_is_the_largest_leverage(rows: int) -> None:
    z = sample()
    hat = z @ np.linalg.pinv(z)
    assert coherence(z, rows=rows) == pytest.approx(np.diag(hat).max() * 90 / 7, rel=1e-10)
    flat = np.concatenate([z, z[:, :3]], axis=1)  # the same column space, more columns
    assert coherence(flat, rows=rows) == pytest.approx(coherence(z), rel=1e-8)
    assert coherence(1e-3 * z) == pytest.approx(coherence(z))


def test_coherence_of_one_ruling_item_and_of_equal_items() -> None:
    rule = np.zeros((40, 3))
    rule[0, 0], rule[1:, 1] = 1, 1
    assert coherence(rule) == pytest.approx(20)
    assert coherence(np.eye(6)) == pytest.approx(1)
    with pytest.raises(InvalidData, match="zero"):
        coherence(np.zeros((5, 2)))


def test_vicreg_terms_are_those_of_the_objective_on_one_batch() -> None:
    first, second = (torch.from_numpy(sample(seed=seed)) for seed in (0, 1))
    first, second = 0.2 * first, 0.2 * second
    loss = VICReg(1.0, 2.0, 1.0)
    both = loss.parts(first, second)
    one, other = (vicreg_terms(Geometry.empty(7).update(a, b)) for a, b in ((first, second), (second, first)))
    assert one.invariance == pytest.approx(float(both["invariance"]))
    assert one.variance + other.variance == pytest.approx(float(both["variance"]))
    assert one.covariance + other.covariance == pytest.approx(float(both["covariance"]))
    assert one.variance > 0
    assert vicreg_terms(Geometry.empty(7).update(first)).invariance is None


def nc1(z: np.ndarray, y: np.ndarray) -> float:
    """By loops over items and classes."""
    classes = np.unique(y)
    means = np.array([z[y == c].mean(0) for c in classes])
    centre = means.mean(0)
    within = sum(
        np.outer(z[i] - means[k], z[i] - means[k])
        for k, c in enumerate(classes)
        for i in np.flatnonzero(y == c)
    )
    between = sum(np.outer(m - centre, m - centre) for m in means) / len(classes)
    return float(np.trace(within / len(z) @ np.linalg.pinv(between, rcond=1e-10)) / len(classes))  # fmt: skip


def test_neural_collapse_equals_the_definition_for_any_chunks_and_unequal_classes() -> None:
    y = np.array([0] * 50 + [1] * 5 + [4] * 35)
    z = sample() + 5 * np.eye(7)[y]
    for rows in (90, 13, 1):
        assert neural_collapse(z, y, rows=rows) == pytest.approx(nc1(z, y), rel=1e-9)


def test_neural_collapse_does_not_see_scale_and_is_zero_at_collapse() -> None:
    y = np.arange(90) % 3
    z = sample() + 5 * np.eye(7)[y]
    assert neural_collapse(1e6 * z, y) == pytest.approx(neural_collapse(z, y), rel=1e-9)
    assert neural_collapse(1e4 * np.eye(7)[y] + 1e-3 * z, y) < 1e-8
    assert neural_collapse(np.eye(7)[y], y) == 0
    with pytest.raises(InvalidData, match="two of them"):
        neural_collapse(z, np.zeros(90, dtype=int))
    with pytest.raises(InvalidData, match="one point"):
        neural_collapse(np.ones((90, 3)), y)
    with pytest.raises(InvalidData, match="class indices"):
        neural_collapse(z, y[:4])
