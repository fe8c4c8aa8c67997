"""Summaries are monoids: any chunking and merge order gives the same numbers; heads agree with plain formulas."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.errors import InvalidData, InvalidOption, InvalidStatistics
from bounds.heads import Head, HeadLosses, LeastSquares, project_simplex
from bounds.heads.linear import spectral_norm
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.summaries import ClassMoments, Moments, PairMoments


def sample(seed, n, d, K, offset=0.0):
    rng = np.random.default_rng(seed)
    z = torch.tensor(rng.normal(size=(n, d)) + offset)
    return z, torch.tensor(rng.integers(K, size=n)), torch.tensor(rng.normal(size=(n, d)) + offset)


def chunked(n, cuts):
    edges = sorted({0, n, *(c % n for c in cuts)})
    return [slice(a, b) for a, b in zip(edges, edges[1:], strict=False)]


CUTS = st.lists(st.integers(0, 10_000), max_size=8)


@given(st.integers(0, 50), st.integers(2, 60), CUTS, st.sampled_from([0.0, 1e4]), st.randoms())
def test_any_chunking_and_merge_order_gives_the_same_summaries(seed, n, cuts, offset, random):
    d, K = 4, 3
    z, y, other = sample(seed, n, d, K, offset)
    parts = chunked(n, cuts)
    random.shuffle(parts)
    whole = (
        Moments.of(z),
        ClassMoments.empty(d, K).update(z, y),
        PairMoments.empty(d).update(z, other),
    )
    merged = [Moments.empty(d), ClassMoments.empty(d, K), PairMoments.empty(d)]
    for part in parts:
        merged[0] = merged[0].merge(Moments.of(z[part]))
        merged[1] = merged[1].merge(ClassMoments.empty(d, K).update(z[part], y[part]))
        merged[2] = merged[2].merge(PairMoments.empty(d).update(z[part], other[part]))
    scale = 1e-12
    torch.testing.assert_close(merged[0].mean, whole[0].mean, rtol=scale, atol=scale)
    torch.testing.assert_close(merged[0].scatter, whole[0].scatter, rtol=1e-9, atol=1e-9)
    assert torch.equal(merged[1].counts, whole[1].counts)
    torch.testing.assert_close(merged[1].means, whole[1].means, rtol=scale, atol=scale)
    torch.testing.assert_close(merged[1].scatter, whole[1].scatter, rtol=1e-9, atol=1e-9)
    assert merged[2].invariance == pytest.approx(whole[2].invariance, rel=1e-12)
    torch.testing.assert_close(merged[2].second, whole[2].second, rtol=scale, atol=1e-10)


@given(st.integers(0, 50), st.integers(6, 80), CUTS)
def test_least_squares_does_not_depend_on_chunks_or_merge_order(seed, n, cuts):
    d, K = 5, 3
    z, y, _ = sample(seed, n, d, K)
    whole = LeastSquares.empty(d, K).update(z, y)
    merged = LeastSquares.empty(d, K)
    for part in reversed(chunked(n, cuts)):
        merged = LeastSquares.empty(d, K).update(z[part], y[part]).reduced().merge(merged)
    assert merged.count == n
    torch.testing.assert_close(merged.min_norm().weight, whole.min_norm().weight, rtol=1e-9, atol=1e-10)
    assert merged.residual_norm() == pytest.approx(whole.residual_norm(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(("n", "d"), [(60, 7), (5, 12), (12, 12)])
def test_heads_agree_with_normal_equations_and_pseudo_inverse(n, d):
    K = 4
    z, y, _ = sample(1, n, d, K)
    squares = LeastSquares.empty(d, K).update(z, y)
    Y = torch.nn.functional.one_hot(y, K).double()
    torch.testing.assert_close(squares.min_norm().weight, (torch.linalg.pinv(z) @ Y).T, rtol=1e-9, atol=1e-10)
    plain = torch.linalg.solve(z.T @ z / n + 0.3 * torch.eye(d, dtype=torch.float64), z.T @ Y / n).T
    torch.testing.assert_close(squares.ridge(0.3).weight, plain, rtol=1e-9, atol=1e-12)
    centred, targets = z - z.mean(0), Y - Y.mean(0)
    weight = torch.linalg.solve(
        centred.T @ centred / n + 0.3 * torch.eye(d, dtype=torch.float64), centred.T @ targets / n
    ).T
    affine = squares.ridge(0.3, intercept=True)
    torch.testing.assert_close(affine.weight, weight, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(affine.bias, Y.mean(0) - weight @ z.mean(0), rtol=1e-9, atol=1e-12)
    assert squares.rank() == min(n, d)
    with pytest.raises(InvalidOption):
        squares.ridge(0.0)


def test_residual_norm_needs_no_second_pass():
    z, y, _ = sample(2, 70, 6, 3)
    squares = LeastSquares.empty(6, 3).update(z, y)
    Y = torch.nn.functional.one_hot(y, 3).double()
    direct = torch.linalg.norm(z @ squares.min_norm().weight.T - Y)
    assert squares.residual_norm() == pytest.approx(float(direct), rel=1e-12)


def test_large_blocks_are_factorised_as_they_come_and_memory_does_not_grow():
    d, K = 6, 3
    squares = LeastSquares.empty(d, K)
    z, y, _ = sample(3, 1000, d, K)
    for _ in range(20):
        squares = squares.update(z, y)
        assert sum(len(block) for block in squares.pending) < 8 * (1 + d + K)
    assert len(squares.factor) == 1 + d + K


@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=5))
def test_simplex_projection_is_the_nearest_point_and_keeps_the_arg_max(rows):
    u = torch.tensor(rows, dtype=torch.float64)
    p = project_simplex(u)
    torch.testing.assert_close(p.sum(1), torch.ones(len(u), dtype=torch.float64))
    assert bool((p >= 0).all())
    corners = torch.eye(3, dtype=torch.float64)
    # Obtuse-angle criterion against the vertices characterises the projection on their convex hull.
    assert bool((((u - p)[:, None, :] * (corners[None] - p[:, None, :])).sum(2) <= 1e-9).all())
    top = u.argmax(1)
    assert bool((p.gather(1, top[:, None]) >= p.amax(1, keepdim=True) - 1e-12).all())


@pytest.mark.parametrize("columns", [3, 2**19 + 1])
def test_the_projection_of_many_rows_or_of_one_long_row_is_that_of_each(columns):
    rows = 2**19 // columns + 2
    u = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p = project_simplex(u)
    for i in {0, rows // 2, rows - 2, rows - 1}:
        assert torch.equal(p[i], project_simplex(u[i : i + 1])[0])


def test_losses_count_ties_as_errors_and_agree_with_loops():
    head = Head(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], dtype=torch.float64), None, "h")
    z = torch.tensor([[2.0, 0.0], [0.5, 0.5], [0.0, 0.0]], dtype=torch.float64)
    y = torch.tensor([0, 1, 2])
    losses = HeadLosses.of(head, [(z, y)])
    residuals = [np.linalg.norm([1.0, 0, 0]), np.linalg.norm([0.5, -0.5, 0]), 1.0]
    assert losses.mean_residual == pytest.approx(np.mean(residuals))
    assert losses.rms_residual == pytest.approx(np.sqrt(np.mean(np.square(residuals))))
    assert losses.error == pytest.approx(2 / 3)
    assert losses.mistakes == 2


@pytest.mark.parametrize(("dim", "rows"), [(8, 2048), (1000, 1049), (2**21, 1)])
def test_rows_are_read_in_chunks_that_stay_in_cache(dim, rows):
    table = Representations((np.broadcast_to(np.float32(1.0), (3000 if dim < 2**20 else 2, dim)),))
    (chunk,), _ = next(table.chunks())
    assert len(chunk) == rows
    assert sum(len(view) for (view,), _ in table.chunks(stop=1500)) == min(1500, table.count)


def test_a_variance_needs_two_items():
    with pytest.raises(InvalidStatistics):
        _ = Moments.of(torch.ones(1, 2)).variance


def test_variance_of_offset_float32_data_is_right_where_raw_moments_fail():
    rng = np.random.default_rng(0)
    x = torch.tensor((1e4 + rng.normal(size=(5000, 1))).astype(np.float32))
    moments = Moments.empty()
    for block in x.split(100):
        moments = moments.update(block)
    raw = float((x.square().mean() - x.mean().square()) * 5000 / 4999)
    truth = float(np.var(x.double().numpy(), ddof=1))
    assert float(moments.variance[0]) == pytest.approx(truth, rel=1e-10)
    assert abs(raw - truth) > 0.1


@pytest.mark.parametrize("kind", ["l2", "clip"])
@pytest.mark.parametrize("rows", [[1.0, 3.0, 0.01], [1e-200, 1e200, 0.0, 1.0, 5e-324, 1e308, 0.7]])
def test_normalised_rows_have_the_radius_however_small_or_large_they_were(kind, rows):
    direction = torch.tensor([0.6, 0.8, 0.0], dtype=torch.float64)
    z = torch.tensor(rows, dtype=torch.float64)[:, None] * direction
    norms = Normalization(kind, 2.0)(z).norm(dim=1)
    wanted = [
        0.0 if row == 0 else 2.0 if kind == "l2" or row > 2.0 else row if row > 1e-150 else None
        for row in rows
    ]
    for norm, expected in zip(norms.tolist(), wanted, strict=True):
        if expected is None:  # too short to have its norm in float64: left as it is
            assert norm < 1e-100
        else:
            assert norm == pytest.approx(expected, rel=1e-12)


@given(
    st.integers(0, 1000), st.integers(1, 30), st.integers(1, 40), st.integers(-150, 150), st.integers(1, 30)
)
def test_the_spectral_norm_is_never_below_the_largest_singular_value(seed, rows, columns, power, rank):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(rows, rank)), rng.normal(size=(rank, columns))
    matrix = torch.tensor(left @ right * 10.0**power)
    exact = float(torch.linalg.matrix_norm(matrix, 2))
    assert exact * (1 - 1e-15) <= spectral_norm(matrix) <= exact * (1 + 1e-11)


def test_the_spectral_norm_of_nothing_is_zero():
    assert spectral_norm(torch.zeros(3, 5, dtype=torch.float64)) == 0.0


def test_a_table_refuses_what_is_not_finite_and_only_that():
    rows = np.full((4, 2), 1e308)
    ((views, _),) = Representations((rows,)).chunks()
    assert bool(torch.isfinite(views[0]).all())
    for bad in ([np.nan, 0.0], [np.inf, -np.inf]):
        rows[2] = bad
        with pytest.raises(InvalidData, match="row 2"):
            list(Representations((rows,)).chunks())
