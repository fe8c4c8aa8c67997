"""Mutual information against Gaussians whose information is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.information import (
    Entropy,
    gaussian_information,
    infonce_information,
    information_table,
    input_information,
    log_det_entropy,
    mixture_entropy,
    sphere_mixture_entropy,
    variational_information,
)
from bounds.representations.table import Representations


def rows(n: int, d: int, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def noisy_pair(n: int, d: int, rho: float, seed: int = 0) -> tuple[Tensor, Tensor, float]:
    """Coordinates with correlation rho: information -(d/2) ln(1 - rho^2)."""
    z = rows(n, d, seed)
    other = rho * z + math.sqrt(1 - rho**2) * rows(n, d, seed + 1000)
    return z, other, -0.5 * d * math.log1p(-(rho**2))


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9, 0.9999])
def test_gaussian_information_hits_the_truth(rho: float) -> None:
    n, d = 20_000, 4
    z, other, truth = noisy_pair(n, d, rho)
    found = gaussian_information(z, other, correct_bias=True)
    # Each coordinate contributes a standard error of |rho| / sqrt(n).
    assert abs(found.value - truth) < 4 * max(rho * math.sqrt(d / n), d / n)


def test_gaussian_information_equals_determinants_for_any_chunks() -> None:
    z = rows(400, 3)
    x = z @ rows(3, 5, 1) + rows(400, 5, 2)
    joint = np.cov(torch.cat([z, x], dim=1).numpy().T)
    log_det = lambda m: np.linalg.slogdet(m)[1]  # noqa: E731
    twin = 0.5 * (log_det(joint[:3, :3]) + log_det(joint[3:, 3:]) - log_det(joint))
    for size in (400, 33, 3):
        assert gaussian_information(z, x, rows=size).value == pytest.approx(twin, rel=1e-10)
    noisy = joint.copy()
    noisy[:3, :3] += 0.5 * np.eye(3)
    twin = 0.5 * (log_det(noisy[:3, :3]) + log_det(noisy[3:, 3:]) - log_det(noisy))
    assert gaussian_information(z, x, noise=0.5).value == pytest.approx(twin, rel=1e-10)


@given(scale=st.floats(1e-6, 1e6), offset=st.floats(-1e3, 1e3))
def test_gaussian_information_ignores_units_offsets_and_repeated_columns(scale: float, offset: float) -> None:
    z, other, _ = noisy_pair(200, 3, 0.7)
    reference = gaussian_information(z, other).value
    changed = torch.cat([scale * z + scale * offset, scale * z[:, :1]], dim=1)
    assert gaussian_information(changed, other).value == pytest.approx(reference, rel=1e-6)


def test_gaussian_information_is_accurate_near_determinism_and_infinite_at_it() -> None:
    n, d = 5000, 2
    z = rows(n, d)
    noise = rows(n, d, 9)
    for small in (1e-4, 1e-7):
        truth = 0.5 * d * math.log1p(1 / small**2)
        # A normal-equations solver loses the second case: small^2 is below the rounding of one.
        assert gaussian_information(z, z + small * noise).value == pytest.approx(truth, abs=0.2)
    assert gaussian_information(z, z @ rows(d, d, 3)).value == math.inf


def test_gaussian_bias_is_removed_at_small_n() -> None:
    values = [
        gaussian_information(rows(50, 5, s), rows(50, 5, s + 500), correct_bias=True).value
        for s in range(200)
    ]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(200)


def gaussian_entropy(variance: float, d: int) -> Entropy:
    value = 0.5 * d * math.log(2 * math.pi * math.e * variance)
    return Entropy(value, "lower", "exact", "none", 0, d)


def test_variational_bound_is_tight_when_q_is_the_conditional() -> None:
    n, d, s = 20_000, 6, 0.25
    other = rows(n, d)
    z = other + math.sqrt(s) * rows(n, d, 1)
    truth = 0.5 * d * math.log1p(1 / s)
    found = variational_information((z, other), gaussian_entropy(1 + s, d), scale=s)
    assert found.kind == "lower"
    assert abs(found.value - truth) < 4 * found.standard_error
    fitted = variational_information((z, other), gaussian_entropy(1 + s, d))
    assert fitted.value == pytest.approx(found.value, abs=0.01)


@pytest.mark.parametrize("rho", [0.2, 0.8])
@pytest.mark.parametrize("scale", [None, 0.1, 3.0])
def test_variational_bound_stays_below_the_truth_for_any_q(rho: float, scale: float | None) -> None:
    z, other, truth = noisy_pair(5000, 4, rho)
    found = variational_information((z, other), gaussian_entropy(1.0, 4), scale=scale)
    assert found.value <= truth + 4 * found.standard_error


def test_variational_bound_on_the_sphere_stays_below_the_index_information() -> None:
    """Z = mu_i turned by noise: I(Z; X') <= ln m, and the bracket of H(Z) keeps the bound below."""
    mu = rows(8, 3, 3)
    mu = mu / mu.norm(dim=1, keepdim=True)
    index = torch.arange(4000) % 8
    z = mu[index] + 0.1 * rows(4000, 3)
    entropy = sphere_mixture_entropy(mu, 100.0).lower
    found = variational_information((z, mu[index]), entropy, q="vmf")
    assert 1.0 < found.value < math.log(8)


def test_variational_bound_says_estimate_for_an_upper_entropy_and_refuses_the_wrong_measure() -> None:
    z, other, _ = noisy_pair(500, 3, 0.8)
    assert variational_information((z, other), log_det_entropy(z)).kind == "estimate"
    with pytest.raises(InvalidOption, match="`q` must be"):
        variational_information((z, other), log_det_entropy(z), q="vmf")
    with pytest.raises(InvalidOption, match="`scale`"):
        variational_information((z, other), log_det_entropy(z), scale=0.0)
    with pytest.raises(InvalidData, match="coincide"):
        variational_information((z, z), log_det_entropy(z))


def infonce_by_definition(scores: Tensor) -> float:
    n = len(scores)
    forward = torch.nn.functional.cross_entropy(scores, torch.arange(n))
    backward = torch.nn.functional.cross_entropy(scores.T, torch.arange(n))
    return math.log(n) - float(forward + backward) / 2


@pytest.mark.parametrize("critic", ["cosine", "dot"])
def test_infonce_equals_cross_entropy_for_any_block(critic: str) -> None:
    z, other, _ = noisy_pair(101, 5, 0.9)
    a, b = (z, other) if critic == "dot" else (torch.nn.functional.normalize(v) for v in (z, other))
    twin = infonce_by_definition(a @ b.T / 0.2)
    for block in (7, 50, 1000):
        found = infonce_information((z, other), temperature=0.2, critic=critic, block=block)  # type: ignore[arg-type]
        assert found.value == pytest.approx(twin, abs=1e-10)


def test_infonce_with_the_best_critic_approaches_the_truth_and_never_passes_ln_b() -> None:
    rho = 0.8
    z, other, truth = noisy_pair(12_000, 2, rho)

    def log_ratio(a: Tensor, b: Tensor) -> Tensor:
        return -0.5 * torch.cdist(b, rho * a).square().T / (1 - rho**2) + 0.5 * b.square().sum(dim=1)

    found = infonce_information((z, other), temperature=1.0, critic=log_ratio, batch=600, block=128)
    assert abs(found.value - truth) < 0.05 + 4 * found.standard_error
    small = infonce_information((z, z + 1e-3 * other), batch=10, temperature=0.01)
    assert small.value <= math.log(10)
    other_critic = infonce_information((z, other), temperature=0.5, batch=600)
    assert other_critic.value < truth


def test_infonce_does_not_overflow_at_a_small_temperature() -> None:
    z, other, _ = noisy_pair(50, 4, 0.9)
    assert math.isfinite(infonce_information((50 * z, 50 * other), critic="dot", temperature=1e-4).value)


def test_infonce_refuses_bad_options() -> None:
    pair = rows(10, 3), rows(10, 3, 1)
    with pytest.raises(InvalidOption, match="temperature"):
        infonce_information(pair, temperature=0.0)
    with pytest.raises(InvalidOption, match="batch"):
        infonce_information(pair, batch=11)
    with pytest.raises(InvalidOption, match="critic"):
        infonce_information(pair, critic="l1")  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="two views"):
        infonce_information(pair[0])
    with pytest.raises(InvalidData, match="one shape"):
        infonce_information((pair[0], pair[1][:5]))
    with pytest.raises(InvalidData, match="more than 6 rows"):
        gaussian_information(pair[0][:6], pair[1][:6])
    with pytest.raises(InvalidData, match="matching rows"):
        gaussian_information(pair[0], pair[1][:5])


def test_input_information_is_the_mixture_minus_the_noise_and_at_most_ln_n() -> None:
    z = rows(300, 3)
    lower, upper = input_information(z, 0.05)
    own = 1.5 * math.log(2 * math.pi * math.e * 0.05)
    assert lower.value == pytest.approx(mixture_entropy(z, 0.05).lower.value - own)
    assert 0 <= lower.value <= upper.value <= math.log(300)
    # Gaussian inputs with Gaussian noise: the information of the population is known.
    many = input_information(rows(4000, 1), 0.05)
    truth = 0.5 * math.log1p(1 / 0.05)
    assert many.lower.value - 0.05 < truth < many.upper.value + 0.05


def test_information_table_orders_its_quantities() -> None:
    z, other, _ = noisy_pair(800, 4, 0.9)
    junk = rows(800, 4, 77)
    table = information_table({"shared": (z, other), "junk": Representations((z.numpy(), junk.numpy()))})
    for row in table:
        assert row.input_lower <= row.input_upper <= math.log(row.n) + 1e-9
        assert row.view_gaussian <= row.input_gaussian
        assert row.superfluous_gaussian == pytest.approx(row.input_gaussian - row.view_gaussian)
        assert row.log_class_size == pytest.approx(math.exp(row.input_lower))
        assert row.log_class_size == pytest.approx(2 ** (row.input_lower / math.log(2)))
    assert table["shared"].view_infonce > 1 > table["junk"].view_infonce
    assert list(table.to_frame().index) == ["shared", "junk"]
    assert "superfluous_gaussian" in str(table)
    with pytest.raises(KeyError, match="there are"):
        table["absent"]


def test_information_table_refuses_views_that_coincide_and_nothing() -> None:
    z = rows(50, 3)
    with pytest.raises(InvalidOption, match="noise"):
        information_table((z, z))
    assert information_table((z, z), noise=0.1)["representations"].noise == 0.1
    with pytest.raises(InvalidData, match="empty"):
        information_table({})
