"""Label-free measures against their papers' definitions, and the record that shows them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.errors import InvalidData, InvalidOption
from bounds.information import (
    alignment,
    alpha_req,
    coherence,
    describe,
    effective_rank,
    lidar,
    log_det_entropy,
    ne_sum,
    neural_collapse,
    participation_ratio,
    rank_me,
    self_cluster,
    stable_rank,
    uniformity,
)
from bounds.information.measures import singular_values
from bounds.representations.table import Representations


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(n: int = 400, d: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    z = rows(n, d) * torch.arange(1, d + 1) + 3
    return z, z + 0.3 * rows(n, d, 1)


def shannon(values: np.ndarray, epsilon: float) -> float:
    p = values / values.sum() + epsilon
    return float(np.exp(-(p * np.log(p)).sum()))


def test_rank_me_is_the_paper_definition_and_not_its_lookalikes() -> None:
    z = pair()[0] + 5
    raw = np.linalg.svd(z.numpy(), compute_uv=False)
    centred = np.linalg.svd((z - z.mean(0)).numpy(), compute_uv=False)
    value = rank_me(z)
    assert value == pytest.approx(shannon(raw, 1e-7), rel=1e-10)
    for lookalike in (shannon(raw**2, 1e-7), shannon(centred, 1e-7), shannon(centred**2, 1e-7)):
        assert abs(value - lookalike) > 0.1


@given(rank=st.integers(1, 6), scale=st.floats(1e-3, 1e3))
def test_rank_me_of_equal_singular_values_is_their_number(rank: int, scale: float) -> None:
    q = torch.linalg.qr(rows(40, 6)).Q
    z = scale * q[:, :rank] @ torch.linalg.qr(rows(6, 6, 1)).Q[:rank]
    assert rank_me(z) == pytest.approx(rank, rel=1e-4)
    assert rank_me(z, epsilon=0.0) == pytest.approx(rank, rel=1e-9)


def test_singular_values_do_not_depend_on_chunks_nor_square_the_condition() -> None:
    u, v = torch.linalg.qr(rows(300, 5)).Q, torch.linalg.qr(rows(5, 5, 1)).Q
    truth = torch.tensor([1.0, 1e-2, 1e-5, 1e-9, 1e-12], dtype=torch.float64)
    for size in (300, 17, 3):
        torch.testing.assert_close(
            singular_values((u * truth) @ v.T, rows=size), truth, rtol=1e-3, atol=1e-16
        )


def test_effective_rank_and_participation_ratio() -> None:
    values = torch.tensor([3.0, 1.0, 0.0])
    p = np.array([0.75, 0.25])
    assert effective_rank(values) == pytest.approx(float(np.exp(-(p * np.log(p)).sum())))
    assert participation_ratio(values) == pytest.approx(16 / 10)
    with pytest.raises(InvalidData, match="collapsed"):
        effective_rank(torch.zeros(3))


@given(alpha=st.floats(0.2, 3.0))
def test_alpha_req_recovers_an_exact_power_law_in_any_range(alpha: float) -> None:
    values = 7 * torch.arange(1, 65, dtype=torch.float64) ** -alpha
    for first, last in ((1, None), (5, 50)):
        fit = alpha_req(values[torch.randperm(64)], first=first, last=last)
        assert fit.alpha == pytest.approx(alpha, rel=1e-9)
        assert fit.r_squared == pytest.approx(1.0)
        assert (fit.first, fit.last) == (first, last or 64)


def test_alpha_req_leaves_out_zero_eigenvalues_and_refuses_short_ranges() -> None:
    values = torch.cat([torch.arange(1, 11, dtype=torch.float64) ** -1.0, torch.zeros(5)])
    assert alpha_req(values).last == 10
    with pytest.raises(InvalidOption, match="three positive"):
        alpha_req(values, first=9)
    assert alpha_req(torch.ones(5)).alpha == 0.0


def lidar_by_definition(z1: np.ndarray, z2: np.ndarray, delta: float) -> float:
    """Loops over classes; symmetric inverse square root of the within matrix, as the paper writes it."""
    n, d = z1.shape
    means = (z1 + z2) / 2
    grand = means.mean(0)
    between, within = np.zeros((d, d)), np.zeros((d, d))
    for i in range(n):
        between += np.outer(means[i] - grand, means[i] - grand) / n
        for z in (z1[i], z2[i]):
            within += np.outer(z - means[i], z - means[i]) / (2 * n)
    values, vectors = np.linalg.eigh(within + delta * np.eye(d))
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    return shannon(np.linalg.eigvalsh(root @ between @ root), 1e-8)


@pytest.mark.parametrize("delta", [1e-6, 1e-4, 1.0])
def test_lidar_equals_the_definition_for_any_chunks(delta: float) -> None:
    z1, z2 = pair()
    twin = lidar_by_definition(z1.numpy(), z2.numpy(), delta)
    for size in (400, 37):
        assert lidar((z1, z2), delta=delta, rows=size) == pytest.approx(twin, rel=1e-9)


def test_lidar_sees_what_rank_me_does_not() -> None:
    """Noise that differs between views fills the spectrum but separates no items."""
    z = rows(2000, 2)
    views = tuple(torch.cat([10 * z, rows(2000, 6, seed)], dim=1) for seed in (1, 2))
    assert rank_me(views[0]) > 3.5
    assert lidar(views) < 3
    whitened = tuple(v @ torch.linalg.inv(torch.linalg.cholesky(v.T.cov())).T for v in views)
    assert abs(lidar(whitened) - lidar(views)) < 0.2  # invariant to linear maps but for delta
    assert lidar(tuple(1e-4 * v for v in views)) != pytest.approx(lidar(views), rel=0.05)


def test_uniformity_and_alignment_equal_the_dense_definition() -> None:
    z1, z2 = pair(150)
    a, b = (torch.nn.functional.normalize(v) for v in (z1, z2))
    for block in (7, 150, 1000):
        assert uniformity(z1, block=block) == pytest.approx(
            float(torch.pdist(a).square().mul(-2).exp().mean().log())
        )
    assert alignment((z1, z2)) == pytest.approx(float((a - b).norm(dim=1).square().mean()))
    assert alignment((z1, z1)) == 0
    assert uniformity(z1.float()) == pytest.approx(uniformity(z1), abs=1e-5)


def test_describe_reports_each_measure_under_its_name() -> None:
    z1, z2 = pair()
    found = describe((z1, z2))
    assert found["rank_me"] == pytest.approx(rank_me(z1))
    assert found["stable_rank"] == pytest.approx(stable_rank(singular_values(z1)))
    assert found["ne_sum"] == pytest.approx(ne_sum(torch.linalg.eigvalsh(z1.T.cov())))
    assert found["self_cluster"] == pytest.approx(self_cluster(z1))
    assert found["coherence"] == pytest.approx(coherence(z1))
    assert found["lidar"] == pytest.approx(lidar((z1, z2)))
    own = (z1 - z2).norm(dim=1)
    apart = torch.cdist(z1, z2).fill_diagonal_(torch.inf)
    assert found["swap_effect"] == float((own < apart.amin(1)).double().mean()) > 0.5
    assert found["alignment"] == pytest.approx(alignment((z1, z2)))
    assert found["uniformity"] == pytest.approx(uniformity(z1))
    assert found["logdet_entropy"] == pytest.approx(log_det_entropy(z1).value)
    assert found["mean_norm"] == pytest.approx(float(z1.norm(dim=1).mean()))
    assert found["rank"] == 6
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(np.cov(z1.numpy().T))[::-1], rtol=1e-9)
    assert found["effective_rank"] == pytest.approx(shannon(found.eigenvalues, 0.0))
    with pytest.raises(KeyError, match="there are"):
        found["accuracy"]


def test_describe_accepts_tables_arrays_and_float32() -> None:
    z1, z2 = pair()
    reference = describe((z1, z2))
    table = Representations((z1.numpy().astype(np.float32), z2.numpy().astype(np.float32)), name="mine")
    other = describe(table, block=50)
    assert other.name == "mine"
    for measure in reference.measures:
        assert other[measure.name] == pytest.approx(reference[measure.name], rel=1e-4, nan_ok=True), (
            measure.name
        )
    single = describe(z1.numpy())
    assert math.isnan(single["lidar"])
    assert single.to_frame().loc["lidar", "definition"] == "needs two views of each item"
    assert describe(np.stack([z1.numpy(), z2.numpy()])[0])["rank_me"] == pytest.approx(reference["rank_me"])


def test_describe_takes_labels_and_says_what_they_are_missing_for() -> None:
    z1, z2 = pair()
    y = torch.arange(400) % 3
    found = describe((z1 + 4 * torch.nn.functional.one_hot(y, 6), z2), labels=y)
    assert found["neural_collapse"] == pytest.approx(
        neural_collapse(z1 + 4 * torch.nn.functional.one_hot(y, 6), y)
    )
    assert 0 < found["directional_cdnv"] < found["cdnv"]
    table = Representations((z1.numpy(),), y.numpy())
    assert describe(table)["cdnv"] == pytest.approx(describe(z1, labels=y)["cdnv"])
    assert describe(z1).to_frame().loc["cdnv", "definition"] == "needs labels"
    assert math.isnan(describe(z1, labels=torch.zeros(400, dtype=torch.int64))["neural_collapse"])
    for bad in (y[:9], y.double(), y[:, None]):
        with pytest.raises(InvalidData, match="class indices"):
            describe(z1, labels=bad)


def test_describe_prints_tables_and_plots() -> None:
    found = describe(pair(), fit_range=(2, 5), name="a <b>")
    assert "ranks 2 to 5" in str(found)
    assert "a &lt;b&gt;" in found._repr_html_()
    assert list(found.to_frame().columns) == ["value", "definition"]
    assert found.to_dict()["measures"]["rank"] == 6
    figure = found.plot()
    assert len(figure.axes) == 2
    assert "rank_me" in repr(found)
    figure.canvas.draw()


def test_describe_survives_collapse_and_dead_dimensions() -> None:
    dead = describe(torch.cat([pair()[0], torch.zeros(400, 2)], dim=1))
    assert dead["dead_dimensions"] == 2
    assert dead["logdet_entropy"] == -math.inf
    assert dead["rank"] == 6
    constant = describe(torch.full((20, 4), 0.1, dtype=torch.float64))
    assert (constant["dead_dimensions"], constant["logdet_entropy"]) == (4, -math.inf)
    assert constant["rank"] == 0
    assert math.isnan(constant["effective_rank"])
    assert constant["rank_me"] == pytest.approx(1, rel=1e-4)
    assert math.isnan(constant["alpha_req"])
    zero = describe((torch.zeros(20, 4), torch.zeros(20, 4)))
    assert all(math.isnan(zero[name]) for name in ("rank_me", "uniformity", "alignment", "lidar"))
    for found in (dead, constant, zero):
        found.plot().canvas.draw()
        found.to_frame()


def test_describe_refuses_bad_input() -> None:
    with pytest.raises(InvalidData, match="at least 2 rows"):
        describe(rows(1, 3))
    z = rows(5, 3)
    z[2, 1] = math.inf
    with pytest.raises(InvalidData, match="row 2"):
        describe(z)
    with pytest.raises(InvalidData, match="one shape"):
        describe((rows(5, 3), rows(6, 3)))
    with pytest.raises(InvalidOption, match="fit_range"):
        describe(rows(50, 5), fit_range=(4, 2))
    with pytest.raises(InvalidOption, match="delta"):
        lidar(pair(), delta=0.0)
    with pytest.raises(InvalidData, match="row of zeros"):
        uniformity(torch.zeros(4, 2))
