"""Entropies against distributions whose entropy is known, and against slow twins."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.errors import BoundsWarning, InvalidData, InvalidOption, NumericalError
from bounds.information import (
    Covariance,
    Entropy,
    VonMisesFisher,
    covariance,
    log_det_entropy,
    mixture_entropy,
    nearest_neighbour_entropy,
    sphere_mixture_entropy,
    von_mises_fisher_entropy,
)
from bounds.information.bessel import bessel_ratio, log_bessel_i
from bounds.information.gaussian import ledoit_wolf_weight, oas_weight
from bounds.information.pairwise import log_sum_exp_both, nearest
from bounds.information.sphere import log_normaliser, log_sphere_area, mean_cosine
from bounds.representations.table import Representations

GAUSS = math.log(2 * math.pi * math.e)


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unit(n: int, d: int, seed: int = 0) -> torch.Tensor:
    x = rows(n, d, seed)
    return x / x.norm(dim=1, keepdim=True)


# LogDet


def test_log_det_equals_numpy_and_hits_the_gaussian_within_its_standard_error() -> None:
    mix = rows(8, 8, 1)
    x = rows(20_000, 8) @ mix.T
    truth = 0.5 * (8 * GAUSS + np.linalg.slogdet(mix.numpy() @ mix.numpy().T)[1])
    plain = log_det_entropy(x)
    twin = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * np.cov(x.numpy().T))[1]
    assert plain.value == pytest.approx(twin, abs=1e-10)
    # Var ln det S is about 2d/n.
    assert abs(plain.value - truth) < 4 * math.sqrt(8 / (2 * 20_000))
    assert plain.kind == "upper"
    assert plain.bits == pytest.approx(plain.value / math.log(2))


def test_log_det_bias_correction_centres_small_samples() -> None:
    n, d, trials = 40, 10, 400
    values = [log_det_entropy(rows(n, d, seed), correct_bias=True).value for seed in range(trials)]
    plain = [log_det_entropy(rows(n, d, seed)).value for seed in range(trials)]
    error = np.std(values) / math.sqrt(trials)
    assert abs(np.mean(values) - 0.5 * d * GAUSS) < 4 * error
    assert np.mean(plain) < 0.5 * d * GAUSS - 0.5


@given(cut=st.integers(1, 99), offset=st.floats(-1e4, 1e4))
def test_covariance_merges_to_the_one_pass_answer(cut: int, offset: float) -> None:
    x = rows(100, 5) + offset
    merged = Covariance.from_rows(x[cut:]).merge(Covariance.from_rows(x[:cut]))
    whole = Covariance.from_rows(x)
    assert merged.count == 100
    torch.testing.assert_close(merged.scatter, whole.scatter, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(merged.mean, whole.mean, rtol=1e-12, atol=1e-12)


def test_covariance_does_not_depend_on_chunks_or_container() -> None:
    x = rows(1000, 6)
    reference = covariance(x)
    for other in (covariance(x, rows=7), covariance(Representations((x.numpy(),)), rows=13)):
        torch.testing.assert_close(other.scatter, reference.scatter, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("name", "estimator"), [("oas", "oas"), ("ledoit-wolf", "ledoit_wolf")])
@pytest.mark.parametrize("n", [15, 60, 4000])
def test_shrinkage_equals_scikit_learn(name: str, estimator: str, n: int) -> None:
    import sklearn.covariance

    x = rows(n, 20) * torch.arange(1, 21)
    matrix, weight = getattr(sklearn.covariance, estimator)(x.numpy())
    ours = oas_weight(covariance(x)) if name == "oas" else ledoit_wolf_weight(covariance(x), x, rows=11)
    assert ours == pytest.approx(weight, rel=1e-9)
    twin = 0.5 * (20 * GAUSS + np.linalg.slogdet(matrix)[1])
    assert log_det_entropy(x, shrinkage=name).value == pytest.approx(twin, rel=1e-9)


def test_singular_covariance_is_minus_infinity_with_its_rank_and_a_ridge_mends_it() -> None:
    x = torch.cat([rows(500, 3), torch.zeros(500, 1)], dim=1)
    entropy = log_det_entropy(x)
    assert entropy.value == -math.inf
    assert "rank 3 of 4" in entropy.bias
    assert math.isfinite(log_det_entropy(x, shrinkage=1e-3).value)
    assert log_det_entropy(rows(5, 10)).value == -math.inf


def test_log_det_refuses_bad_options_and_data() -> None:
    x = rows(30, 4)
    with pytest.raises(InvalidOption, match="shrinkage"):
        log_det_entropy(x, shrinkage="lasso")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="at least zero"):
        log_det_entropy(x, shrinkage=-1.0)
    with pytest.raises(InvalidOption, match="given data"):
        log_det_entropy(covariance(x), shrinkage="ledoit-wolf")
    with pytest.raises(InvalidOption, match="correct_bias"):
        log_det_entropy(x, shrinkage="oas", correct_bias=True)
    with pytest.raises(InvalidData, match="two rows"):
        log_det_entropy(x[:1])
    x[7, 2] = math.nan
    with pytest.raises(InvalidData, match="row 7"):
        log_det_entropy(x)
    with pytest.raises(InvalidData, match=r"\(N, d\)"):
        log_det_entropy(x[0])
    with pytest.raises(InvalidData, match="dimension"):
        covariance(rows(5, 2)).merge(covariance(rows(5, 3)))


# Mixtures


def mixture_log_density(
    x: torch.Tensor, means: torch.Tensor, matrices: torch.Tensor, w: torch.Tensor
) -> torch.Tensor:
    normals = torch.distributions.MultivariateNormal(means, matrices)
    return torch.logsumexp(normals.log_prob(x[:, None]) + w.log(), dim=1)


@pytest.mark.parametrize("spread", [0.3, 2.0, 10.0])
@pytest.mark.parametrize("shape", ["shared", "isotropic", "full"])
def test_mixture_bounds_bracket_monte_carlo(shape: str, spread: float) -> None:
    m, d, draws = 12, 3, 20_000
    means = spread * rows(m, d)
    w = torch.softmax(rows(1, m, 2)[0], dim=0)
    variances = {
        "shared": torch.full((m,), 0.7),
        "isotropic": 0.2 + torch.rand(m, generator=torch.Generator().manual_seed(1)),
    }
    if shape == "full":
        roots = rows(m * d, d, 3).view(m, d, d)
        matrices = roots @ roots.mT + 0.1 * torch.eye(d)
        given_covariance: object = matrices
    else:
        v = variances[shape].double()
        matrices = v[:, None, None] * torch.eye(d, dtype=torch.float64)
        given_covariance = 0.7 if shape == "shared" else v
    generator = torch.Generator().manual_seed(4)
    index = torch.multinomial(w, draws, replacement=True, generator=generator)
    noise = torch.randn(draws, d, 1, generator=generator, dtype=torch.float64)
    x = means[index] + (torch.linalg.cholesky(matrices)[index] @ noise)[..., 0]
    logs = -mixture_log_density(x, means, matrices, w)
    truth, error = float(logs.mean()), float(logs.std()) / math.sqrt(draws)
    lower, upper = mixture_entropy(means, given_covariance, w, block=5)
    assert lower.value - 4 * error < truth < upper.value + 4 * error
    assert (lower.kind, upper.kind) == ("lower", "upper")
    if spread == 10.0 and shape == "shared":
        assert upper.value - lower.value < 0.02


def kolchinsky_tracey_by_loops(means: np.ndarray, matrices: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Typed from the paper: divergences by inverse and determinant, one pair at a time."""
    m, d = means.shape
    inverse, det = np.linalg.inv, np.linalg.det
    own = sum(w[i] * 0.5 * np.log((2 * np.pi * np.e) ** d * det(matrices[i])) for i in range(m))
    upper = lower = own
    for i in range(m):
        kl_sum = bd_sum = 0.0
        for j in range(m):
            delta = means[i] - means[j]
            product = inverse(matrices[j]) @ matrices[i]
            kl = 0.5 * (np.trace(product) - d - np.log(det(product)) + delta @ inverse(matrices[j]) @ delta)
            middle = (matrices[i] + matrices[j]) / 2
            bd = delta @ inverse(middle) @ delta / 8 + 0.5 * np.log(
                det(middle) / np.sqrt(det(matrices[i]) * det(matrices[j]))
            )
            kl_sum += w[j] * np.exp(-kl)
            bd_sum += w[j] * np.exp(-bd)
        upper -= w[i] * np.log(kl_sum)
        lower -= w[i] * np.log(bd_sum)
    return lower, upper


@pytest.mark.parametrize("block", [1, 4, 100])
def test_mixture_bounds_equal_the_slow_twin(block: int) -> None:
    m, d = 9, 3
    means = rows(m, d) + 50
    roots = rows(m * d, d, 3).view(m, d, d)
    matrices = roots @ roots.mT + 0.1 * torch.eye(d)
    w = torch.softmax(rows(1, m, 2)[0], dim=0)
    v = matrices[:, 0, 0]
    cases: list[tuple[object, torch.Tensor]] = [
        (matrices, matrices),
        (v, v[:, None, None] * torch.eye(d, dtype=torch.float64)),
        (0.3, 0.3 * torch.eye(d, dtype=torch.float64).expand(m, d, d)),
    ]
    for argument, full in cases:
        twin = kolchinsky_tracey_by_loops(means.numpy(), full.numpy(), w.numpy())
        found = mixture_entropy(means, argument, w, block=block)
        assert (found.lower.value, found.upper.value) == pytest.approx(twin, rel=1e-9)


def test_float32_components_far_from_the_origin_agree_with_float64() -> None:
    x = rows(300, 32) + 100
    exact = mixture_entropy(x.float().double(), 1e-2)
    quick = mixture_entropy(x.float(), 1e-2)
    assert (quick.lower.value, quick.upper.value) == pytest.approx(
        (exact.lower.value, exact.upper.value), abs=1e-3
    )


def test_coinciding_components_are_one_gaussian_and_distant_ones_add_the_index() -> None:
    same = mixture_entropy(torch.ones(50, 4), 2.0)
    single = 0.5 * 4 * (GAUSS + math.log(2.0))
    assert (same.lower.value, same.upper.value) == pytest.approx((single, single), abs=1e-6)
    apart = mixture_entropy(1e3 * rows(50, 4), 2.0)
    assert (apart.lower.value, apart.upper.value) == pytest.approx((single + math.log(50),) * 2, abs=1e-12)


def test_mixture_refuses_bad_input() -> None:
    x = rows(5, 2)
    with pytest.raises(InvalidOption, match="positive and finite"):
        mixture_entropy(x, 0.0)
    with pytest.raises(InvalidData, match="got shape"):
        mixture_entropy(x, torch.ones(4))
    with pytest.raises(InvalidOption, match="component 0 is not positive definite"):
        mixture_entropy(x, torch.zeros(5, 2, 2))
    with pytest.raises(InvalidData, match="sum to one"):
        mixture_entropy(x, 1.0, torch.ones(5))
    with pytest.raises(InvalidOption, match="block"):
        mixture_entropy(x, 1.0, block=0)


# Kozachenko-Leonenko


def test_nearest_neighbours_equal_the_full_distance_matrix() -> None:
    x = rows(300, 7)
    full = torch.cdist(x, x).fill_diagonal_(torch.inf)
    distances, index = nearest(x, 4, block=37)
    expected = full.topk(4, dim=1, largest=False)
    torch.testing.assert_close(distances, expected.values)
    assert torch.equal(index, expected.indices)


@pytest.mark.parametrize(("d", "tolerance"), [(1, 0.08), (2, 0.08), (4, 0.12)])
def test_nearest_neighbour_entropy_of_gaussian_and_cube(d: int, tolerance: float) -> None:
    gauss = nearest_neighbour_entropy(rows(4000, d))
    assert gauss.value == pytest.approx(0.5 * d * GAUSS, abs=tolerance)
    cube = torch.rand(4000, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert nearest_neighbour_entropy(cube).value == pytest.approx(0.0, abs=2 * tolerance)


def test_nearest_neighbour_entropy_warns_in_high_dimension_where_it_is_far_off() -> None:
    with pytest.warns(BoundsWarning, match="d = 64"):
        entropy = nearest_neighbour_entropy(rows(2000, 64))
    assert entropy.value - 32 * GAUSS > 5
    assert "do not trust" in entropy.bias


def test_nearest_neighbour_entropy_names_duplicates_and_bad_k() -> None:
    x = rows(20, 2)
    x[3] = x[11]
    with pytest.raises(InvalidData, match="Row 3 has 1 exact"):
        nearest_neighbour_entropy(x, k=1)
    assert math.isfinite(nearest_neighbour_entropy(x, k=2).value)
    with pytest.raises(InvalidOption, match="between 1 and n - 1"):
        nearest_neighbour_entropy(x, k=20)


# von Mises-Fisher


@pytest.mark.parametrize("order", [0, 0.5, 3.0, 39.5, 40.0, 255.0, 1023.0])
@pytest.mark.parametrize("x", [1e-12, 1e-3, 0.7, 50.0, 2000.0, 1e5])
def test_bessel_functions_equal_arbitrary_precision(order: float, x: float) -> None:
    import mpmath

    reference = mpmath.besseli(order, x)
    assert float(log_bessel_i(order, x)) == pytest.approx(float(mpmath.log(reference)), rel=1e-10, abs=1e-10)
    assert bessel_ratio(order, x) == pytest.approx(float(mpmath.besseli(order + 1, x) / reference), rel=1e-10)


def test_von_mises_fisher_on_the_two_sphere_has_the_textbook_form() -> None:
    for kappa in (0.1, 3.0, 200.0):
        # C_3 = kappa / (4 pi sinh kappa); A_3 = coth kappa - 1/kappa.
        sinh = kappa + math.log1p(-math.exp(-2 * kappa)) - math.log(2)
        assert float(log_normaliser(kappa, 3)) == pytest.approx(
            math.log(kappa / (4 * math.pi)) - sinh, rel=1e-12
        )
        assert mean_cosine(kappa, 3) == pytest.approx(1 / math.tanh(kappa) - 1 / kappa, rel=1e-9)
    assert log_sphere_area(3) == pytest.approx(math.log(4 * math.pi))


def draw_von_mises_fisher(n: int, kappa: float, seed: int) -> torch.Tensor:
    """On S^2, where the cosine has an explicit quantile function."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, generator=generator, dtype=torch.float64)
    cosine = 1 + (u + (1 - u) * math.exp(-2 * kappa)).log() / kappa
    angle = 2 * math.pi * torch.rand(n, generator=generator, dtype=torch.float64)
    sine = (1 - cosine**2).clamp(min=0).sqrt()
    return torch.stack([sine * angle.cos(), sine * angle.sin(), cosine], dim=1)


@pytest.mark.parametrize("kappa", [0.5, 5.0, 100.0])
def test_fit_recovers_concentration_and_entropy(kappa: float) -> None:
    x = draw_von_mises_fisher(20_000, kappa, 0)
    fit = VonMisesFisher.fit(3.0 * x)
    assert fit.kappa == pytest.approx(kappa, rel=0.05)
    truth = VonMisesFisher(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), kappa, 0)
    logs = -truth.log_prob(x)
    error = float(logs.std()) / math.sqrt(len(x))
    assert abs(truth.entropy().value - float(logs.mean())) < 4 * error
    assert fit.entropy().value == pytest.approx(truth.entropy().value, abs=6 * error)


@pytest.mark.parametrize("d", [2, 3, 32, 512])
def test_uniform_sphere_has_the_log_area(d: int) -> None:
    entropy = von_mises_fisher_entropy(unit(8000, d))
    # The fitted kappa is pure sampling noise and costs about d/(2n) nats.
    assert log_sphere_area(d) - 5 * d / 8000 - 1e-3 < entropy.value <= log_sphere_area(d) + 1e-9


def test_sphere_mixture_brackets_monte_carlo_and_its_slow_twin() -> None:
    kappa, m = 8.0, 10
    mu = unit(m, 3, 5)
    generator = torch.Generator().manual_seed(6)
    base = draw_von_mises_fisher(20_000, kappa, 7)
    index = torch.randint(m, (20_000,), generator=generator)
    pole = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    # Householder reflection that takes the pole to mu.
    axis = mu - pole
    axis = axis / axis.norm(dim=1, keepdim=True)
    x = base - 2 * (base * axis[index]).sum(1, keepdim=True) * axis[index]
    density = torch.logsumexp(float(log_normaliser(kappa, 3)) + kappa * x @ mu.T, dim=1) - math.log(m)
    error = float(density.std()) / math.sqrt(len(x))
    lower, upper = sphere_mixture_entropy(mu, kappa, block=3)
    assert lower.value - 4 * error < -float(density.mean()) < upper.value + 4 * error
    cosine = (mu @ mu.T).numpy()
    affinity = log_normaliser(kappa, 3) - np.array(
        [
            [float(log_normaliser(kappa * math.sqrt(max(0.0, 0.5 * (1 + c))), 3)) for c in row]
            for row in cosine
        ]
    )
    own = VonMisesFisher(mu[0], kappa, 1).entropy().value
    twin = own - np.log(np.exp(affinity).mean(axis=1)).mean()
    assert twin - 1e-3 < lower.value <= twin + 1e-12


def test_sphere_refuses_bad_input() -> None:
    with pytest.raises(InvalidOption, match="kappa"):
        sphere_mixture_entropy(unit(5, 3), -1.0)
    with pytest.raises(InvalidData, match="row of zeros"):
        von_mises_fisher_entropy(torch.zeros(3, 3))
    with pytest.raises(InvalidOption, match="cosine"):
        von_mises_fisher_entropy(torch.ones(5, 4))
    with pytest.raises(InvalidData, match="d >= 2"):
        sphere_mixture_entropy(torch.ones(5, 1), 1.0)


# Records and the streamed log-sum-exp


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e3])
def test_log_sum_exp_does_not_overflow_and_equals_the_dense_one(scale: float) -> None:
    left, right = scale * rows(50, 6), rows(70, 6, 1)
    scores = left @ right.T
    for found in (
        log_sum_exp_both(left, right, block=9),
        log_sum_exp_both(left.float(), right.float(), block=100),
    ):
        torch.testing.assert_close(found[0], torch.logsumexp(scores, dim=1), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(found[1], torch.logsumexp(scores, dim=0), rtol=1e-5, atol=1e-5)


def test_records_refuse_nan_and_unknown_kinds() -> None:
    with pytest.raises(NumericalError, match="NaN"):
        Entropy(math.nan, "upper", "m", "b", 1, 1)
    with pytest.raises(InvalidOption, match="kind"):
        Entropy(0.0, "certain", "m", "b", 1, 1)  # type: ignore[arg-type]
    assert "nats (upper; m" in str(Entropy(1.0, "upper", "m", "b", 1, 1, 0.1))
