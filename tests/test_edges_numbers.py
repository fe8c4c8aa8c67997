"""Numbers at the edges: offsets, scales, types and sizes are drawn, and the right value is known another way."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bounds.evidence.noisy_fits import pooled_information
from bounds.heads.choice import head_kind
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.least_squares import LeastSquares
from bounds.information import (
    covariance,
    gaussian_information,
    infonce_information,
    log_det_entropy,
    mixture_entropy,
    normality_test,
    normality_under_noise,
    pairwise_distances,
    uniformity,
    vicreg_terms,
)
from bounds.information.bessel import bessel_ratio, bessel_ratio_gap, log_bessel_i, log_scaled_bessel_i
from bounds.information.pairwise import nearest
from bounds.information.rows import as_rows
from bounds.information.sphere import VonMisesFisher
from bounds.objectives import NTXent, logdet_entropy
from bounds.objectives.entropy import pairwise_spread
from bounds.representations.table import Representations
from bounds.summaries import Geometry, Moments
from bounds.summaries.collisions import collision_probability
from bounds.summaries.decision import decide
from bounds.summaries.weights import sums_to_one

SCALES = st.floats(-12, 12).map(lambda power: 10.0**power)
TYPES = st.sampled_from([torch.float32, torch.float64])
LABELS = [
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint16,
    torch.uint32,
    torch.uint64,
]


def drawn(n, d, seed=0):
    return torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def direct(x):
    return torch.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")


# A large part added and taken off again


@settings(max_examples=12)
@given(st.integers(5, 60), st.integers(1, 6), SCALES, st.floats(0, 6), TYPES, st.integers(10, 70))
def test_distances_of_groups_far_apart_are_those_by_subtraction(n, d, scale, apart, dtype, block):
    x = scale * drawn(n, d)
    x[n // 2 :] += scale * 10**apart
    x = x.to(dtype)
    exact = direct(x)
    found = pairwise_distances(x, bins=5000, block=block)
    assert found.counts.sum() == n * (n - 1) // 2
    off = np.repeat(np.arange(5000), np.histogram(exact[torch.ones(n, n).triu(1) > 0], found.edges)[0])
    assert np.abs(off - np.repeat(np.arange(5000), found.counts)).max() <= 1
    exact.fill_diagonal_(math.inf)
    np.testing.assert_allclose(found.nearest, exact.amin(1), rtol=1e-8)
    distances, _ = nearest(x, min(3, n - 1), block)
    torch.testing.assert_close(distances, exact.sort(1).values[:, : min(3, n - 1)], rtol=1e-8, atol=0)


@settings(max_examples=12)
@given(st.integers(2, 40), st.integers(2, 20), st.floats(0, 300), TYPES)
def test_uniformity_is_the_log_mean_over_pairs_at_any_t(n, d, t, dtype):
    x = drawn(n, d).to(dtype)
    u = x.double() / x.double().norm(dim=1, keepdim=True)
    squares = direct(u)[torch.ones(n, n).triu(1) > 0].square()
    expected = float((-t * squares).logsumexp(0)) - math.log(len(squares))
    assert uniformity(x, t=t, block=7) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_uniformity_of_two_opposite_rows_is_their_exponent():
    for t in range(1, 400, 2):  # sums are kept in parts; each must be a normal number
        assert uniformity(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), t=float(t)) == pytest.approx(-4.0 * t)


@settings(max_examples=10)
@given(st.floats(0, 9), st.sampled_from(["one", "each", "full"]))
def test_mixture_bounds_do_not_feel_how_far_groups_are(apart, form):
    centres = torch.tensor([[0.0], [3.0], [100.0 + 10**apart], [103.0 + 10**apart]], dtype=torch.float64)
    covariances = {"one": 1.0, "each": torch.ones(4), "full": torch.ones(4, 1, 1)}
    gap = (centres - centres.T).square()
    own = 0.5 * math.log(2 * math.pi * math.e) + math.log(4)
    for bound, scale in zip(mixture_entropy(centres, covariances[form]), (8, 2)):
        expected = own - float((-gap / scale).logsumexp(1).mean())
        assert bound.value == pytest.approx(expected, abs=1e-6)


@settings(max_examples=10)
@given(st.integers(2, 5), st.floats(-70, 70).map(lambda power: 10.0**power))
def test_covariances_off_the_diagonal_do_not_feel_the_variances(d, scale):
    z = drawn(50, d)
    z[:, 0] = scale * drawn(50, d, seed=1)[:, 0]
    centred = z - z.mean(0)
    expected = math.fsum(
        float(centred[:, i] @ centred[:, j] / 49) ** 2 / d for i in range(d) for j in range(d) if i != j
    )
    found = vicreg_terms(Geometry.empty(d).update(z)).covariance
    assert found == pytest.approx(expected, rel=1e-8)


# Constant, nearly constant, badly scaled columns


@settings(max_examples=12)
@given(st.floats(-12, 12), st.floats(0.1, 9), st.integers(1, 70))
def test_dead_columns_and_units_decide_nothing(units, value, rows):
    z, x = drawn(60, 3), drawn(60, 2, seed=1)
    x = x + z[:, :2]
    known = gaussian_information(z, x).value
    scaled = z * torch.tensor([1.0, 10**units, 1.0], dtype=torch.float64)
    dead = torch.cat([scaled, torch.full((60, 1), value, dtype=torch.float64)], dim=1)
    assert gaussian_information(dead, x, rows=rows).value == pytest.approx(known, rel=1e-6)
    summary = covariance(dead, rows=rows)
    assert summary.constant.tolist() == [False, False, False, True]
    assert log_det_entropy(scaled).value == pytest.approx(
        log_det_entropy(z).value + units * math.log(10), rel=1e-9, abs=1e-8
    )
    weight = LeastSquares.empty(4, 2).update(dead, torch.arange(60) % 2).ridge(1e-18, intercept=True).weight
    assert float(weight[:, 3].abs().max()) == 0


@settings(max_examples=2)
@given(st.floats(0, 8), st.sampled_from(["min_norm", ("ridge", 1e-3), ("logistic", 1e-2), "nearest_mean"]))
@example(8.0, ("logistic", 1e-2))
@example(8.0, "nearest_mean")
def test_no_head_feels_a_large_constant_column_beside_small_ones(power, kind):
    """It is an intercept to those without one, and nothing to those that have one."""
    x, y = drawn(60, 3), torch.arange(60) % 3
    x[y == 1] += 1.5
    named = []
    for size in (1.0, 10**power):
        z = torch.cat([x, torch.full((60, 1), size, dtype=torch.float64)], 1)
        head = head_kind(kind).fit(LabeledRows(Representations((z,), y.numpy()), 3))
        named.append(decide(head(z)))
    assert int((named[0] != named[1]).sum()) <= 2  # the logistic one ends within its tolerance


@settings(max_examples=20)
@given(TYPES, st.floats(-10, 10).map(lambda power: 10.0**power))
def test_a_column_is_constant_by_the_spacing_of_its_own_type(dtype, value):
    steps = torch.arange(40, dtype=torch.float64)[:, None]
    eps = torch.finfo(dtype).eps
    varying = (value * (1 + 8 * eps * steps)).to(dtype)
    assert normality_test(torch.cat([torch.full_like(varying, value), varying], 1)).constant.tolist() == [
        True,
        False,
    ]


# float32 inside losses and entropies


@settings(max_examples=10)
@given(st.integers(2, 40), st.integers(1, 60), st.floats(-2, 3).map(lambda power: 10.0**power))
def test_the_log_determinant_is_that_of_the_eigenvalues(n, d, scale):
    z = (scale * drawn(n, d)).float().requires_grad_()
    entropy = logdet_entropy(z)
    c = z.detach().double() - z.detach().double().mean(0)
    values = torch.linalg.svdvals(c).square() / (n - 1)
    values = torch.cat([values, values.new_zeros(max(d - n, 0))])
    expected = 0.5 * float((values + 1e-3).log().sum()) + d / 2 * math.log(2 * math.pi * math.e)
    assert entropy.dtype == torch.float32
    assert float(entropy.detach()) == pytest.approx(expected, rel=1e-5, abs=1e-4)
    entropy.backward()
    assert bool(torch.isfinite(z.grad).all())


@settings(max_examples=10)
@given(st.integers(2, 40), st.integers(2, 30), st.floats(-6, 2).map(lambda power: 10.0**power))
def test_information_and_spread_stay_below_their_ceilings(n, d, temperature):
    z = drawn(n, d).float()
    assert infonce_information((z, z), temperature=temperature).value <= math.log(n)
    value = float(pairwise_spread(z, temperature))
    exact = math.log(n) - float((-direct(z).square() / (8 * temperature**2)).logsumexp(1).mean())
    assert -1e-6 <= value <= math.log(n) * (1 + 1e-6)
    assert value == pytest.approx(exact, abs=1e-5)


@settings(max_examples=20)
@given(st.floats(-30, 30).map(lambda power: 10.0**power))
def test_directions_have_no_scale(scale):
    a, b = drawn(6, 5).float(), drawn(6, 5, seed=1).float()
    assert float(NTXent()(a * scale, b * scale)) == pytest.approx(float(NTXent()(a, b)), abs=1e-5)


@settings(max_examples=20)
@given(st.integers(2, 600), st.floats(0, 15).map(lambda power: 10.0**power))
def test_bessel_functions_go_on_beyond_where_scipy_ends(d, kappa):
    order = d / 2 - 1
    assert 0 <= bessel_ratio(order, kappa) <= 1
    gap = bessel_ratio_gap(order, kappa)
    assert gap == pytest.approx(1 - bessel_ratio(order, kappa), abs=1e-13)
    assert float(log_bessel_i(order, kappa)) == pytest.approx(
        kappa + float(log_scaled_bessel_i(order, kappa)), rel=1e-12
    )
    if kappa > 1e3 * d**2:  # a Gaussian of d - 1 dimensions
        entropy = VonMisesFisher(torch.eye(d, dtype=torch.float64)[0], kappa, 1).entropy().value
        expected = (d - 1) / 2 * math.log(2 * math.pi * math.e / kappa)
        assert entropy == pytest.approx(expected, rel=1e-3, abs=1e-3 * d)


# Sums that must close


@settings(max_examples=10)
@given(st.integers(2, 40), st.integers(1, 4), st.integers(1, 300), SCALES, TYPES)
def test_every_pair_is_in_one_bin_of_the_histogram(n, d, bins, scale, dtype):
    found = pairwise_distances((scale * drawn(n, d)).to(dtype), bins=bins)
    assert int(found.counts.sum()) == n * (n - 1) // 2


def test_the_median_is_the_middle_of_two():
    row = normality_under_noise(lambda x: x, torch.zeros(1, 2), [1.0], samples=100).rows[0]
    g = torch.Generator().manual_seed(0)
    expected = float(np.median(normality_test(torch.randn(100, 2, generator=g)).p_value))
    assert row.median_p == pytest.approx(expected, abs=1e-9)


# Types


@settings(max_examples=20)
@given(st.integers(2, 2000), st.sampled_from([torch.float16, torch.float32, torch.float64]))
def test_weights_sum_to_one_within_their_own_type(n, dtype):
    weights = torch.full((n,), 1 / n, dtype=torch.float64).to(dtype)
    assert sums_to_one(weights)
    assert not sums_to_one(1.1 * weights)
    assert collision_probability(weights) == pytest.approx(1 / n, rel=1e-2)


def test_integers_keep_their_last_digit():
    rows = as_rows(torch.tensor([[2**24 + 1, 0], [2**24, 1]]))
    assert float(rows[0, 0] - rows[1, 0]) == 1


def test_pooled_information_of_independent_labels_is_nothing():
    assert pooled_information(torch.full((3, 3), 10**12)) == pytest.approx(0, abs=1e-12)


# torchmetrics' contract


def nothing():
    return Moments.empty(1)


def first_mean(seen):
    return float(seen.mean[0])


@settings(max_examples=4)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.floats(-9, 9))
def test_a_collection_of_metrics_sees_every_batch_and_loads_what_was_saved(sizes, offset):
    torchmetrics = pytest.importorskip("torchmetrics")
    from bounds.metrics import summary_metric

    x = offset + drawn(sum(sizes), 1)[:, 0]
    kinds = {"mean": first_mean, "count": lambda seen: seen.count}
    group, other = (
        torchmetrics.MetricCollection({name: summary_metric(nothing, read) for name, read in kinds.items()})
        for _ in range(2)
    )
    for part in x.split(sizes):
        group.update(part)
    other.update(x + 1)  # replaced by what is loaded
    other.load_state_dict(group.state_dict())
    for found in (group.compute(), other.compute()):
        assert found == {"mean": pytest.approx(float(x.mean()), rel=1e-9, abs=1e-9), "count": len(x)}


def test_a_summary_metric_keeps_the_contract_of_torchmetrics():
    torchmetrics = pytest.importorskip("torchmetrics")
    from bounds.metrics import summary_metric

    x = torch.arange(20, dtype=torch.float64)
    group = torchmetrics.MetricCollection(
        {
            "mean": summary_metric(nothing, first_mean),
            "count": summary_metric(nothing, lambda seen: seen.count),
            "largest": summary_metric(nothing, lambda seen: float(seen.maximum[0])),
        }
    )
    for part in x.split(5):
        group.update(part)
    assert group.compute() == {"mean": 9.5, "count": 20, "largest": 19.0}
    group.reset()
    group.update(x[:2])
    assert group.compute() == {"mean": 0.5, "count": 2, "largest": 1.0}

    seen, other = summary_metric(nothing, first_mean), summary_metric(nothing, first_mean)
    seen.update(torch.ones(3))
    other.update(torch.full((3,), 9.0))
    other.load_state_dict(seen.state_dict())
    assert (other.compute(), other.summary.count) == (1.0, 3)
    cast = summary_metric(nothing, first_mean)
    cast.set_dtype(torch.float64)
    cast.update(torch.tensor([1.0, 3.0]))
    assert pickle.loads(pickle.dumps(cast)).compute() == cast.compute() == 2.0
