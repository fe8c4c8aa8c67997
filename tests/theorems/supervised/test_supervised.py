"""The supervised bounds: formula, grid, projection, coverage."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.heads.linear import Head
from bounds.heads.simplex import project_simplex
from bounds.theorems import THEOREMS
from bounds.theorems.head_class import grid_radius
from tests.worlds_discrete import World, assert_covers, head_of


def naive(evidence, delta):
    """Loops, least squares by numpy, constants typed from the papers."""
    z, y = np.asarray(evidence.labeled.views[0]), evidence.labeled.labels
    n, K = len(z), evidence.setting.num_classes
    W = np.linalg.lstsq(z, np.eye(K)[y], rcond=None)[0].T
    norm = math.sqrt(sum(w * w for w in W.ravel()))
    out = {}
    for name, per_octave in (("supervised", 1), ("supervised_projected", 4)):
        j = -20 * per_octave
        while 2 ** (j / per_octave) < norm:
            j += 1
        beta, weight = 2 ** (j / per_octave), 1 / ((math.pi**2 / 3 - 1) * (1 + abs(j)) ** 2)
        scores = [W @ row for row in z]
        if name == "supervised":
            residual = np.mean([np.linalg.norm(s - np.eye(K)[k]) for s, k in zip(scores, y, strict=True)])
            complexity, spread = 2 * math.sqrt(2) * beta * math.sqrt(K / n), 1 + beta
        else:
            projected = project_simplex(torch.tensor(np.array(scores))).numpy()
            residual = np.mean([np.linalg.norm(s - np.eye(K)[k]) for s, k in zip(projected, y, strict=True)])
            complexity, spread = 2 * math.sqrt(math.pi / 2) * beta * math.sqrt(K / n), math.sqrt(2)
        radius = spread * math.sqrt(math.log(1 / (delta * weight)) / (2 * n))
        out[name] = residual + complexity + radius
    return out


def test_both_forms_agree_with_a_script_of_loops():
    evidence = World().evidence(1, 300, 5)
    for name, value in naive(evidence, 0.07).items():
        assert THEOREMS[name].evaluate(evidence, 0.07).value == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("name", ["supervised", "supervised_projected"])
def test_an_intercept_is_the_weight_of_a_coordinate_that_is_one(name):
    """Norm √(‖W‖² + ‖b‖²) over vectors of length √(B² + 1)."""
    evidence = World().evidence(1, 300, 5, head=("logistic", 1e-3))
    bound, head = THEOREMS[name].evaluate(evidence, 0.07), evidence.head
    together = np.column_stack([head.weight.numpy(), head.bias.numpy()])
    assert np.linalg.norm(head.bias) > 0.1
    assert bound.symbols["W_frobenius"] == pytest.approx(np.linalg.norm(together), rel=1e-12)
    assert bound.symbols["B"] == pytest.approx(math.sqrt(2), rel=1e-12)


@given(st.floats(1e-9, 1e9), st.sampled_from([1, 4]))
def test_the_grid_radius_is_the_smallest_above_the_norm(norm, per_octave):
    found = grid_radius(norm, per_octave)["beta"]
    assert found >= norm
    assert found / 2 ** (1 / per_octave) < norm * (1 + 1e-12) or found == 2.0**-20


def test_the_weights_of_all_radii_sum_to_at_most_one():
    weights = [grid_radius(2.0 ** (j / 4), 4)["weight_j"] for j in range(-80, 4000)]
    assert sum(weights) <= 1.0


def test_projection_caps_the_range_and_never_raises_the_residual():
    evidence = World().evidence(2, 40, 5)
    plain, projected = (
        THEOREMS[name].evaluate(evidence, 0.05) for name in ("supervised", "supervised_projected")
    )
    assert projected.terms["labeled_residual"].value <= plain.terms["labeled_residual"].value
    assert projected.value < plain.value


def test_more_confidence_and_fewer_labels_cost_more():
    world = World()
    small, large = (
        THEOREMS["supervised_projected"].evaluate(world.evidence(3, n, 5), 0.1) for n in (100, 10_000)
    )
    assert large.terms["confidence"].value < small.terms["confidence"].value
    strict = THEOREMS["supervised_projected"].evaluate(world.evidence(3, 100, 5), 0.001)
    assert strict.value > small.value


def test_the_bound_lies_above_the_true_loss_of_the_fitted_head():
    world, violations = World(K=2, d=1, points=6), 0
    for seed in range(60):
        evidence = world.evidence(seed, 30, 2)
        for name, projected in (("supervised", False), ("supervised_projected", True)):
            bound = THEOREMS[name].evaluate(evidence, 0.5)
            violations += bound.value < world.loss(head_of(evidence, bound), projected)
    assert_covers(violations, 120, 0.5)


def test_a_scaled_head_scales_its_radius():
    head = Head(torch.ones(2, 2, dtype=torch.float64), None, "ones")
    assert grid_radius(head.frobenius_norm)["beta"] == 2.0
