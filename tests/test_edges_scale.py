"""What has no unit has none: every measure that is scale-free, from 1e-160 to 1e160 times the rows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bounds
from bounds.assumptions.exchangeable import exchangeable
from bounds.assumptions.one_law import one_law
from bounds.errors import InvalidData
from bounds.heads.knn import NeighbourHead, unit_rows
from bounds.information import (
    VonMisesFisher,
    alignment,
    coherence,
    covariance,
    describe,
    gaussian_information,
    infonce_information,
    lidar,
    log_det_entropy,
    mixture_entropy,
    monitor,
    nearest_neighbour_entropy,
    neural_collapse,
    normality_test,
    pairwise_distances,
    rank_me,
    self_cluster,
    sphere_mixture_entropy,
    uniformity,
    vicreg_terms,
    von_mises_fisher_entropy,
)
from bounds.information import (
    __all__ as PUBLIC,
)
from bounds.information.gaussian import shrunk
from bounds.objectives import NTXent
from bounds.representations.table import Representations
from bounds.summaries import Geometry


def drawn(n, d, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y = drawn(40, 3), torch.arange(40) % 4
X[Y == 1] += 2
OTHER = X + 0.3 * drawn(40, 3, seed=1)


# What is computed of s·X (and s·OTHER), with s a power of two, so that nothing is rounded by it.
FREE = {
    "alignment": lambda s: alignment((s * X, s * OTHER)),
    "coherence": lambda s: coherence(s * X),
    "rank_me": lambda s: rank_me(s * X),
    "self_cluster": lambda s: self_cluster(s * X),
    "uniformity": lambda s: uniformity(s * X),
    "neural_collapse": lambda s: neural_collapse(s * X, Y),
    "normality_test": lambda s: normality_test(s * X).statistic,
    "gaussian_information": lambda s: gaussian_information(s * X, OTHER).value,
    "infonce_information": lambda s: infonce_information((s * X, s * OTHER)).value,
    "VonMisesFisher": lambda s: VonMisesFisher.fit(s * X).kappa,
    "von_mises_fisher_entropy": lambda s: von_mises_fisher_entropy(s * X).value,
    "sphere_mixture_entropy": lambda s: [one.value for one in sphere_mixture_entropy(s * X, 5.0)],
    "pairwise_distances": lambda s: pairwise_distances(s * X).counts,
    # With a unit, taken off again.
    "log_det_entropy": lambda s: log_det_entropy(s * X).value - 3 * math.log(s),
    "log_det_entropy, oas": lambda s: log_det_entropy(s * X, shrinkage="oas").value - 3 * math.log(s),
    "log_det_entropy, ledoit-wolf": lambda s: (
        log_det_entropy(s * X, shrinkage="ledoit-wolf").value - 3 * math.log(s)
    ),
    "nearest_neighbour_entropy": lambda s: nearest_neighbour_entropy(s * X).value - 3 * math.log(s),
}
# Parts of one record.
NAMES = (
    *("rank_me", "stable_rank", "effective_rank", "participation_ratio", "ne_sum", "rank", "alpha_req"),
    *("self_cluster", "coherence", "uniformity", "alignment", "dead_dimensions", "swap_effect"),
    *("cdnv", "directional_cdnv", "neural_collapse"),
)
# Of a spectrum, or with no rows at all.
OTHERS = {
    *("effective_rank", "participation_ratio", "stable_rank", "ne_sum", "alpha_req"),
    *("adjust", "monitor", "describe", "covariance", "mixture_entropy", "as_log", "vicreg_terms"),
    *("normality_under_noise", "input_information", "variational_information", "information_table"),
    *("lidar", "affine_error", "affine_maps", "affine_radius", "check_pushforward", "pixel_function"),
}
RECORDS = {name for name in PUBLIC if name[0].isupper()} - {"VonMisesFisher"}
POWERS = st.integers(-531, 531)  # of two: 1e-160 to 1e160


def test_every_public_measure_is_here():
    assert set(PUBLIC) == {name.split(",")[0] for name in FREE} | OTHERS | RECORDS


@settings(max_examples=8)
@given(POWERS)
@example(-531)
@example(531)
def test_measures_without_units_have_none(power):
    for name, measure in FREE.items():
        np.testing.assert_allclose(measure(2.0**power), FIRST[name], rtol=1e-8, atol=1e-9, err_msg=name)


FIRST = {name: measure(1.0) for name, measure in FREE.items()}


@settings(max_examples=6)
@given(POWERS)
@example(-531)
@example(531)
def test_a_description_is_that_of_the_directions(power):
    s = 2.0**power
    found, right = (describe((a * X, a * OTHER), labels=Y) for a in (s, 1.0))
    for name in NAMES:
        assert found[name] == pytest.approx(right[name], rel=1e-8), name
    assert found["logdet_entropy"] == pytest.approx(right["logdet_entropy"] + 3 * math.log(s), rel=1e-9)
    assert found["mean_norm"] == pytest.approx(s * right["mean_norm"], rel=1e-12)
    logged = monitor(s * X, s * OTHER)
    for name in set(NAMES) & set(logged):
        assert logged[name] == pytest.approx(right[name], rel=1e-8), name


@pytest.mark.parametrize("power", [-531, -300, 0, 300, 531])
def test_lidar_without_its_ridge_and_with_nothing_else(power):
    """Far above the root of delta LiDAR no longer feels it; far below, the views no longer differ."""
    found = lidar((2.0**power * X, 2.0**power * OTHER))
    means, halves = 0.5 * (X + OTHER), 0.5 * (X - OTHER)
    between = torch.cov(means.T, correction=0)
    within = halves.T @ halves / 40 if power > 0 else torch.eye(3, dtype=torch.float64)
    if power == 0:
        within = halves.T @ halves / 40 + 1e-4 * torch.eye(3, dtype=torch.float64)
    p = torch.linalg.eigvals(torch.linalg.solve(within, between)).real
    p = p / p.sum()
    assert found == pytest.approx(float(torch.exp(-(p * p.log()).sum())), rel=1e-5)


def test_views_that_agree_in_a_direction_need_a_larger_delta():
    x = 1e8 * drawn(20, 3)
    other = x.clone()
    other[:, 0] += 1e8 * drawn(20, 1, seed=1)[:, 0]
    with pytest.raises(InvalidData, match="give a `delta` of at least"):
        lidar((x, other))
    assert 1 <= lidar((x, other), delta=100.0) <= 3
    assert describe((x, other))["rank_me"] > 2


def test_terms_with_units_have_them():
    seen = Geometry.empty(3).update(X, OTHER)
    right = vicreg_terms(seen, gamma=2.0)
    for unit in (2.0**-9, 2.0**9):
        scaled = vicreg_terms(Geometry.empty(3).update(X / unit, OTHER / unit), gamma=2.0, unit=unit)
        np.testing.assert_allclose(scaled, right, rtol=1e-10, atol=1e-12)
    assert vicreg_terms(Geometry.empty(3).update(X, OTHER), unit=2.0**531).variance == 0


def test_squares_beyond_float64_are_refused_where_rows_are_gone():
    with pytest.raises(InvalidData, match="beyond float64"):
        covariance(2.0**531 * X).matrix()


@pytest.mark.parametrize("name", ["oas", "ledoit-wolf"])
@pytest.mark.parametrize("power", [-250, 250])
def test_the_weight_of_shrinkage_has_no_unit(name, power):
    s = 2.0**power
    found, right = (shrunk(covariance(a * X), name, a * X) for a in (s, 1.0))
    torch.testing.assert_close(found / s / s, right, rtol=1e-10, atol=0)


@pytest.mark.parametrize("power", [-250, 250])
def test_mixtures_scale_with_their_variance(power):
    s = 2.0**power
    found, right = (mixture_entropy(a * X, a * a) for a in (s, 1.0))
    for one, two in zip(found, right, strict=True):
        assert one.value == pytest.approx(two.value + 3 * math.log(s), rel=1e-9)


@settings(max_examples=3)
@given(POWERS)
@example(-531)
@example(531)
def test_tests_of_assumptions_and_neighbours_feel_no_scale(power):
    s = 2.0**power
    for options in ({"y": Y}, {"num_classes": 4}):
        swapped = [bounds.swap_test(a * X, a * OTHER, **options).p_value for a in (1.0, s)]
        assert swapped[0] == swapped[1]
    tables = [[Representations((a * rows,), Y.numpy()) for rows in (X, 5 * OTHER)] for a in (1.0, s)]
    for test in (one_law, exchangeable):
        assert test(*tables[0]).p_value == test(*tables[1]).p_value
    votes = [NeighbourHead(unit_rows(a * X), Y, 5, 4, "votes")(a * X) for a in (1.0, s)]
    torch.testing.assert_close(*votes, rtol=1e-9, atol=1e-12)
    far, near = pairwise_distances(s * X), pairwise_distances(X)
    np.testing.assert_allclose(far.nearest, s * near.nearest, rtol=1e-12)
    small = max(-100, min(100, power))  # float32
    assert float(NTXent()(2.0**small * X.float(), 2.0**small * OTHER.float())) == pytest.approx(
        float(NTXent()(X.float(), OTHER.float())), abs=1e-5
    )


@pytest.mark.parametrize("d", [4, 16])
def test_neighbours_closer_together_than_float32_can_tell_are_the_nearest(d):
    """Cosines differ by about 1e-7 here: candidates found in float32 need not hold the nearest."""
    rows = 5e-4 * drawn(300, d, seed=2) + drawn(1, d, seed=5)
    z, y = rows[:50] + 5e-4 * drawn(50, d, seed=3), torch.arange(300) % 7
    found = NeighbourHead(unit_rows(rows), y, 1, 7, "votes")(z).argmax(1)
    apart = torch.cdist(unit_rows(z), unit_rows(rows), compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.equal(found, y[apart.argmin(1)])
