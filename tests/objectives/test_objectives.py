"""Objectives: against loops and a public library; gradients, invariances, two processes."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.objectives import (
    BYOL,
    OBJECTIVES,
    BarlowTwins,
    BYOLLogDet,
    BYOLPairwise,
    NTXent,
    Objective,
    PartiallyLabeledVICReg,
    SimSiam,
    VICReg,
    VICRegLogDet,
    VICRegPairwise,
    logdet_entropy,
    make_objective,
    pairwise_entropy,
)
from bounds.objectives.partial_labels import ridge_residual
from tests.processes import run_in_processes

DIM = 5
SYMMETRIC = [VICReg(), NTXent(0.3), BarlowTwins(), VICRegLogDet(), VICRegPairwise()]
PREDICTING = [BYOL(DIM, hidden=7), SimSiam(DIM), BYOLLogDet(DIM, hidden=7), BYOLPairwise(DIM, hidden=7)]


def name_of(objective: Objective) -> str:
    return type(objective).__name__


def pair(n: int = 9, d: int = DIM, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=generator, dtype=torch.float64)
    return z, z + 0.4 * torch.randn(n, d, generator=generator, dtype=torch.float64)


def dot(a: Tensor, b: Tensor) -> float:
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def cosine(a: Tensor, b: Tensor) -> float:
    return dot(a, b) / math.sqrt(dot(a, a) * dot(b, b))


def covariance(z: Tensor, j: int, k: int) -> float:
    """Half the mean product of differences over ordered pairs: no mean is formed."""
    n = len(z)
    total = sum(
        float((z[a, j] - z[b, j]) * (z[a, k] - z[b, k])) for a in range(n) for b in range(n) if a != b
    )
    return total / (2 * n * (n - 1))


def test_vicreg_is_the_written_out_sum() -> None:
    z1, z2 = pair()
    n, d = z1.shape
    weights = {"invariance": 3.0, "variance": 5.0, "covariance": 0.7}
    invariance = sum(float(a - b) ** 2 for a, b in zip(z1.flatten(), z2.flatten(), strict=True)) / (n * d)
    hinge = sum(max(0.0, 1.3 - math.sqrt(covariance(z, j, j) + 1e-3)) for z in (z1, z2) for j in range(d)) / d
    off = sum(covariance(z, j, k) ** 2 for z in (z1, z2) for j in range(d) for k in range(d) if j != k) / d
    parts = VICReg(**weights, gamma=1.3, eps=1e-3).parts(z1, z2)
    assert float(parts["invariance"]) == pytest.approx(3.0 * invariance, rel=1e-12)
    assert float(parts["variance"]) == pytest.approx(5.0 * hinge / 2, rel=1e-12)
    assert float(parts["covariance"]) == pytest.approx(0.7 * off, rel=1e-12)


def test_ntxent_is_the_written_out_cross_entropy() -> None:
    z1, z2 = pair(6)
    z, t = torch.cat([z1, z2]), 0.3
    total = 0.0
    for a in range(12):
        positive = math.exp(cosine(z[a], z[(a + 6) % 12]) / t)
        total -= math.log(positive / sum(math.exp(cosine(z[a], z[b]) / t) for b in range(12) if b != a))
    assert float(NTXent(t)(z1, z2)) == pytest.approx(total / 12, rel=1e-12)


def test_barlow_twins_is_the_written_out_sum() -> None:
    z1, z2 = pair()
    n, d = z1.shape

    def standard(z: Tensor, i: int, j: int) -> float:
        mean = sum(float(v) for v in z[:, j]) / n
        return (float(z[i, j]) - mean) / math.sqrt(sum((float(v) - mean) ** 2 for v in z[:, j]) / n + 1e-5)

    def correlation(j: int, k: int) -> float:
        return sum(standard(z1, i, j) * standard(z2, i, k) for i in range(n)) / n

    diagonal = sum((1 - correlation(j, j)) ** 2 for j in range(d))
    off = sum(correlation(j, k) ** 2 for j in range(d) for k in range(d) if j != k)
    assert float(BarlowTwins(0.02)(z1, z2)) == pytest.approx(diagonal + 0.02 * off, rel=1e-10)


@pytest.mark.parametrize("objective", [BYOL(DIM), SimSiam(DIM)], ids=name_of)
def test_prediction_losses_are_the_written_out_cosines(objective: BYOL) -> None:
    z1, z2 = pair()
    t1, t2 = pair(seed=1)
    n = len(z1)
    q1, q2 = (objective.double().predictor(z).detach() for z in (z1, z2))
    if isinstance(objective, SimSiam):
        expected = -sum(cosine(q1[i], z2[i]) + cosine(q2[i], z1[i]) for i in range(n)) / (2 * n)
        assert float(objective(z1, z2)) == pytest.approx(expected, rel=1e-10)
    else:
        expected = sum(4 - 2 * cosine(q1[i], t2[i]) - 2 * cosine(q2[i], t1[i]) for i in range(n)) / n
        assert float(objective(z1, z2, t1, t2)) == pytest.approx(expected, rel=1e-10)


def test_logdet_entropy_is_that_of_the_gaussian() -> None:
    z, _ = pair(40)
    cov = torch.tensor([[covariance(z, j, k) for k in range(DIM)] for j in range(DIM)]) + 1e-3 * torch.eye(
        DIM
    )
    expected = torch.distributions.MultivariateNormal(torch.zeros(DIM).double(), cov.double()).entropy()
    assert float(logdet_entropy(z)) == pytest.approx(float(expected), rel=1e-6)


def test_pairwise_entropy_is_the_written_out_sum_and_lies_below_a_monte_carlo_value() -> None:
    z, _ = pair(12, 2)
    sigma, n = 0.4, 12
    total = 0.0
    for i in range(n):
        near = [math.exp(-sum(float(v) ** 2 for v in z[i] - z[j]) / (8 * sigma**2)) for j in range(n)]
        total -= math.log(sum(near) / n) / n
    component = math.log(2 * math.pi * math.e * sigma**2)  # d/2 = 1
    value = float(pairwise_entropy(z, sigma))
    assert value == pytest.approx(component + total, rel=1e-10)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.ones(n).double()),
        torch.distributions.MultivariateNormal(z, sigma**2 * torch.eye(2).double()),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        measured = -mixture.log_prob(mixture.sample((20000,)))
    assert value < float(measured.mean())
    assert value > float(measured.mean()) - math.log(n)


@pytest.mark.parametrize("dim", [1, 3, 16])
def test_by_default_points_as_far_apart_as_unit_variances_make_them_have_exponent_minus_four(
    dim: int,
) -> None:
    z = torch.tensor([[0.0], [2.0**0.5]], dtype=torch.float64).expand(2, dim)
    value = float(VICRegPairwise(entropy=1.0)(z, z))
    assert value == pytest.approx(math.log1p(math.exp(-4.0)) - math.log(2.0), rel=1e-12)


def test_entropy_objectives_are_invariance_minus_entropy() -> None:
    z1, z2 = pair()
    s = float((z1 - z2).square().mean())
    logdet = (logdet_entropy(z1) + logdet_entropy(z2)) / (2 * DIM)
    assert float(VICRegLogDet(2.0, 3.0)(z1, z2)) == pytest.approx(2 * s - 3 * float(logdet), rel=1e-12)
    sigma = 0.8
    component = DIM / 2 * math.log(2 * math.pi * math.e * sigma**2)
    spread = (pairwise_entropy(z1, sigma) + pairwise_entropy(z2, sigma)) / 2 - component
    value = VICRegPairwise(2.0, 3.0, sigma=sigma)(z1, z2)
    assert float(value) == pytest.approx(2 * s - 3 * float(spread), rel=1e-10)
    for kind, entropy in ((BYOLLogDet, logdet_entropy), (BYOLPairwise, pairwise_entropy)):
        objective = kind(DIM, entropy=0.0).double()
        plain = BYOL(DIM).double()
        plain.predictor.load_state_dict(objective.predictor.state_dict())
        assert float(objective(z1, z2)) == pytest.approx(float(plain(z1, z2)), rel=1e-12)
        unit = [F.normalize(z) for z in (z1, z2)]
        if entropy is logdet_entropy:
            expected = -sum(float(logdet_entropy(DIM**0.5 * u)) for u in unit) / (2 * DIM)
        else:
            constant = DIM / 2 * math.log(2 * math.pi * math.e * 0.25**2)
            expected = -sum(float(pairwise_entropy(u, 0.25)) - constant for u in unit) / 2
        assert float(kind(DIM).double().parts(z1, z2)["entropy"]) == pytest.approx(expected, rel=1e-10)


def test_same_vicreg_as_pytorch_metric_learning() -> None:
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    z1, z2 = (z.float() for z in pair(16, 8))
    assert float(VICReg()(z1, z2)) == pytest.approx(float(losses.VICRegLoss()(z1, ref_emb=z2)), rel=1e-5)
    theirs = losses.VICRegLoss(invariance_lambda=3, variance_mu=2, covariance_v=0.5, eps=1e-3)(z1, ref_emb=z2)
    assert float(VICReg(3, 2, 0.5, eps=1e-3)(z1, z2)) == pytest.approx(float(theirs), rel=1e-5)


def test_same_ntxent_as_pytorch_metric_learning() -> None:
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    z1, z2 = (z.float() for z in pair(16, 8))
    for t in (0.1, 0.5, 1.0):
        theirs = losses.SelfSupervisedLoss(losses.NTXentLoss(temperature=t))(z1, z2)
        assert float(NTXent(t)(z1, z2)) == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("objective", SYMMETRIC + PREDICTING, ids=name_of)
def test_gradients(objective: Objective) -> None:
    objective = objective.double()
    z1, z2 = (z.requires_grad_() for z in pair(6))
    targets = tuple(t.detach() for t in pair(6, seed=3))
    if isinstance(objective, SimSiam):  # its gradient stops at the targets: move only one side at a time
        with torch.no_grad():
            constant = objective.predictor(z2), z2.clone()
        value = objective(z1, z2)
        value.backward()
        frozen = -(F.cosine_similarity(objective.predictor(z1), constant[1]).mean() / 2)
        gradient = torch.autograd.grad(frozen, z1)[0]
        torch.testing.assert_close(z1.grad, gradient)
        return
    assert torch.autograd.gradcheck(lambda a, b: objective(a, b, *targets), (z1, z2))


@pytest.mark.parametrize(("n", "d"), [(12, 4), (4, 9), (6, 6)])
def test_ridge_residual(n: int, d: int) -> None:
    z = pair(n, d)[0].requires_grad_()
    y = F.one_hot(torch.arange(n) % 3, 3).double()
    assert torch.autograd.gradcheck(lambda a: ridge_residual(a, y, 1e-2), (z,))
    kernel = z.detach() @ z.detach().T  # the n x n form: lambda tr Y'(ZZ' + lambda I)^-1 Y, lambda = n ridge
    expected = (
        1e-2
        * n
        * torch.trace(y.T @ torch.linalg.inv(kernel + n * 1e-2 * torch.eye(n, dtype=z.dtype)) @ y)
        / n
    )
    assert float(ridge_residual(z, y, 1e-2).detach()) ** 2 == pytest.approx(float(expected), rel=1e-9)


def test_ridge_residual_falls_to_the_projection_of_theorem_2() -> None:
    z = pair(30, 4)[0]
    y = F.one_hot(torch.arange(30) % 3, 3).double()
    projector = torch.eye(30).double() - z @ torch.linalg.pinv(z)
    exact = float(torch.linalg.norm(projector @ y)) / math.sqrt(30)
    values = [float(ridge_residual(z, y, ridge)) for ridge in (1.0, 1e-2, 1e-5, 1e-10)]
    assert values == sorted(values, reverse=True)
    assert values[-1] >= exact
    assert values[-1] == pytest.approx(exact, rel=1e-7)


def test_ridge_residual_has_finite_gradients_where_the_representation_collapsed() -> None:
    z = torch.zeros(8, 3, dtype=torch.float64, requires_grad=True)
    value = ridge_residual(z, F.one_hot(torch.arange(8) % 2, 2).double(), 1e-3)
    value.backward()
    assert float(value) == pytest.approx(1.0)
    assert bool(torch.isfinite(z.grad).all())


def test_partial_labels_add_one_term_on_the_labeled_rows_only() -> None:
    z1, z2 = pair(10)
    labels = torch.tensor([0, 1, -1, 2, 1, -1, -1, 0, 2, -1])
    objective = PartiallyLabeledVICReg(3, labels=2.0)
    parts = objective.parts(z1, z2, labels)
    assert sum(float(v) for k, v in parts.items() if k != "labels") == pytest.approx(float(VICReg()(z1, z2)))
    moved = z1.clone()
    moved[labels < 0] += 7
    assert float(objective.parts(moved, z2, labels)["labels"]) == pytest.approx(float(parts["labels"]))
    assert float(objective.parts(z1, z2, torch.full((10,), -1))["labels"]) == 0.0
    assert 0 < float(parts["labels"]) <= 2.0 + 1e-9
    with pytest.raises(InvalidData, match="one per row"):
        objective(z1, z2, labels[:4])
    with pytest.raises(InvalidData, match=r"-1\.\.2"):
        objective(z1, z2, torch.full((10,), 3))


@pytest.mark.parametrize("objective", SYMMETRIC + PREDICTING, ids=name_of)
def test_the_loss_is_the_sum_of_its_parts_and_free_of_the_order_of_rows_and_views(
    objective: Objective,
) -> None:
    objective = objective.double()
    z1, z2 = pair()
    value = float(objective(z1, z2))
    assert value == pytest.approx(sum(float(v) for v in objective.parts(z1, z2).values()), rel=1e-12)
    order = torch.randperm(len(z1), generator=torch.Generator().manual_seed(2))
    assert float(objective(z1[order], z2[order])) == pytest.approx(value, rel=1e-9)
    assert float(objective(z2, z1)) == pytest.approx(value, rel=1e-9)


@given(scale=st.floats(0.01, 100.0), offset=st.floats(-10.0, 10.0))
def test_what_scale_and_offset_do(scale: float, offset: float) -> None:
    z1, z2 = pair()
    a, b = scale * z1, scale * z2
    assert float(NTXent()(a, b)) == pytest.approx(float(NTXent()(z1, z2)), rel=1e-9)
    barlow = BarlowTwins(eps=1e-15)
    assert float(barlow(a + offset, b)) == pytest.approx(float(barlow(z1, z2)), rel=1e-5)
    assert float(VICReg()(z1 + offset, z2 + offset)) == pytest.approx(float(VICReg()(z1, z2)), rel=1e-7)
    grown = float(logdet_entropy(a, eps=1e-3 * scale**2))
    assert grown == pytest.approx(float(logdet_entropy(z1)) + DIM * math.log(scale), abs=1e-7)
    moved = float(pairwise_entropy(a + offset, 0.5 * scale))
    assert moved == pytest.approx(float(pairwise_entropy(z1, 0.5)) + DIM * math.log(scale), abs=1e-6)


@pytest.mark.parametrize("objective", [VICRegLogDet(), VICRegPairwise(), NTXent(), VICReg()], ids=name_of)
def test_collapse_is_worse_than_spread(objective: Objective) -> None:
    z1 = pair(32)[0]
    constant = torch.ones_like(z1)
    assert float(objective(z1, z1)) < float(objective(constant, constant))
    z = constant.clone().requires_grad_()
    objective(z, constant).backward()
    assert bool(torch.isfinite(z.grad).all())


def test_half_precision_is_computed_in_single() -> None:
    z1, z2 = pair(64, 16)
    with torch.autocast("cpu", torch.bfloat16):
        value = VICReg()(z1.bfloat16(), z2.bfloat16())
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(
        float(VICReg()(z1.bfloat16().float(), z2.bfloat16().float())), rel=1e-6
    )


def test_targets_are_never_differentiated() -> None:
    z1, z2 = pair()
    t1, t2 = (t.requires_grad_() for t in pair(seed=1))
    BYOL(DIM).double()(z1.requires_grad_(), z2, t1, t2).backward()
    assert t1.grad is None
    assert t2.grad is None


def test_every_named_objective_can_be_made_and_bad_input_is_refused() -> None:
    z1, z2 = pair()
    for name in OBJECTIVES:
        objective = make_objective(
            name, DIM, **({"num_classes": 2} if name == "vicreg_partial" else {})
        ).double()
        if name != "vicreg_partial":
            assert bool(torch.isfinite(objective(z1, z2)))
        assert objective.describe().startswith(type(objective).__name__ + "(")
    with pytest.raises(InvalidOption, match="must be one of"):
        make_objective("triplet", DIM)
    with pytest.raises(InvalidOption, match="does not take"):
        make_objective("simclr", DIM, gamma=1)
    with pytest.raises(InvalidOption, match="temperature"):
        NTXent(0.0)
    with pytest.raises(InvalidOption, match="covariance"):
        VICReg(covariance=-1)
    with pytest.raises(InvalidData, match="one shape"):
        VICReg()(z1, z2[:4])
    with pytest.raises(InvalidData, match="two rows"):
        VICReg()(z1[:1], z2[:1])
    with pytest.raises(InvalidData, match="dim=5"):
        BYOL(7)(z1.float(), z2.float())


def _one_rank(rank: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    for index, objective in enumerate(_distributed_objectives()):
        z1, z2 = (z[4 * rank : 4 * rank + 4].clone().requires_grad_() for z in pair(8))
        loss = objective(z1, z2)
        loss.backward()
        torch.save({"loss": loss.detach(), "g1": z1.grad, "g2": z2.grad}, f"{folder}/{index}-{rank}.pt")
    dist.destroy_process_group()


def _distributed_objectives() -> list[Objective]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [VICReg(), NTXent(), VICRegLogDet(), VICRegPairwise(), BarlowTwins(), BYOL(DIM).double()]


@pytest.mark.slow
def test_two_processes_have_the_loss_and_twice_the_gradient_of_one(tmp_path: Path) -> None:
    run_in_processes(_one_rank, (str(tmp_path),), 2)
    for index, objective in enumerate(_distributed_objectives()):
        z1, z2 = (z.requires_grad_() for z in pair(8))
        loss = objective(z1, z2)
        loss.backward()
        ranks = [torch.load(tmp_path / f"{index}-{rank}.pt", weights_only=True) for rank in (0, 1)]
        for saved in ranks:
            torch.testing.assert_close(saved["loss"], loss.detach())
        for name, z in (("g1", z1), ("g2", z2)):  # DDP divides by the number of processes
            torch.testing.assert_close(torch.cat([r[name] for r in ranks]) / 2, z.grad)
