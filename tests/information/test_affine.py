"""Affine maps of piecewise-affine encoders against closed forms, finite differences and sampling."""

import math

import pytest
import torch
from torch import Tensor, nn

from bounds.errors import InvalidData, InvalidOption
from bounds.information import affine_error, affine_maps, affine_radius, check_pushforward, mixture_entropy


class Network(nn.Module):
    """Convolution, frozen batch norm, ReLU, max pooling: everything a ResNet is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(6, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out


def network() -> Network:
    torch.manual_seed(0)
    net = Network().double()
    net(torch.randn(64, 2, 6, 6, dtype=torch.float64))  # batch statistics
    return net.eval()


def images(n: int = 3) -> Tensor:
    return torch.randn(n, 2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("mode", ["auto", "reverse", "forward"])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_maps_equal_central_differences_and_reproduce_the_value(mode: str, block: int) -> None:
    net, x = network(), images(2)
    maps = affine_maps(net, x, mode=mode, block=block)
    assert maps.jacobian.shape == (2, 5, 72)
    step = 1e-7
    with torch.no_grad():
        for column in (0, 31, 71):
            e = torch.zeros(72, dtype=torch.float64)
            e[column] = step
            difference = (net(x + e.view(1, 2, 6, 6)) - net(x - e.view(1, 2, 6, 6))) / (2 * step)
            torch.testing.assert_close(maps.jacobian[:, :, column], difference, rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(maps.apply(x.flatten(1)), net(x), rtol=1e-10, atol=1e-12)


def test_forward_and_reverse_mode_agree() -> None:
    net, x = network(), images()
    torch.testing.assert_close(
        affine_maps(net, x, mode="forward").jacobian, affine_maps(net, x, mode="reverse").jacobian
    )


def test_the_map_is_exact_inside_the_region_and_wrong_far_outside() -> None:
    net, x = network(), images()
    maps = affine_maps(net, x)
    assert float(affine_error(net, x, maps, 1e-6).max()) < 1e-6
    assert float(affine_error(net, x, maps, 20.0).min()) > 1e-2
    # The same test must notice a smooth network.
    smooth = nn.Sequential(nn.Flatten(), nn.Linear(72, 8), nn.Tanh()).double().eval()
    assert float(affine_error(smooth, x, affine_maps(smooth, x), 0.5).min()) > 1e-4


def test_radius_is_the_distance_to_the_kink_along_each_direction() -> None:
    """f(x) = relu(x_0) at x = (a, 0): a direction u leaves the region at r = -a / u_0 if u_0 < 0."""

    class Kink(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([torch.relu(x[:, :1]), x], dim=1)

    x = torch.tensor([[0.8, 0.0, 0.0]], dtype=torch.float64)
    net = Kink().eval()
    maps = affine_maps(net, x)
    radius = affine_radius(net, x, maps, largest=50.0, tolerance=1e-9, directions=64, steps=45)
    from bounds.information.affine import directions_like

    u = directions_like(maps.points, 64, 0)[0, :, 0]
    expected = torch.where(u < 0, -0.8 / u, torch.full_like(u, 50.0)).clamp(max=50.0)
    torch.testing.assert_close(radius[0], expected, rtol=1e-6, atol=1e-6)


def test_a_linear_network_is_affine_to_the_search_limit() -> None:
    net = nn.Linear(6, 3).double().eval()
    x = torch.randn(2, 6, dtype=torch.float64)
    radius = affine_radius(net, x, affine_maps(net, x), largest=7.0)
    assert bool((radius == 7.0).all())


def test_pushforward_predicts_small_gaussians_and_fails_on_large_ones() -> None:
    """Theorem 3: N(x, L L^T) of low rank goes to N(f(x), A L L^T A^T)."""
    net, x = network(), images(4)
    maps = affine_maps(net, x)
    factor = torch.randn(72, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    mean, matrix = maps.pushforward(1e-6 * factor)
    assert mean.shape == (4, 5)
    torch.testing.assert_close(matrix[1], 1e-12 * maps.jacobian[1] @ factor @ factor.T @ maps.jacobian[1].T)
    near = check_pushforward(net, x, maps, 1e-6 * factor, samples=2000)
    assert bool((near.inside == 1).all())
    assert bool((near.mean_error < 4).all())
    assert bool((near.covariance_error < 3 * near.expected_error).all())
    far = check_pushforward(net, x, maps, 3.0 * factor, samples=500)
    assert bool((far.inside < 0.5).all())
    assert bool((far.covariance_error > 2 * far.expected_error).any())


def test_output_of_a_gaussian_mixture_is_the_predicted_mixture() -> None:
    """Theorem 3 as a density: the entropy of sampled outputs under it lies in the pairwise bracket."""
    torch.manual_seed(5)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 3)).double().eval()
    x = 2 * torch.randn(5, 6, dtype=torch.float64)
    maps = affine_maps(net, x)
    means, matrices = maps.pushforward(1e-3)
    bracket = mixture_entropy(means, matrices)
    draws = 4000
    inputs = x.repeat(draws, 1) + 1e-3 * torch.randn(5 * draws, 6, dtype=torch.float64)
    with torch.no_grad():
        z = net(inputs)
    density = torch.distributions.MultivariateNormal(means, matrices).log_prob(z[:, None])
    logs = -(torch.logsumexp(density, dim=1) - math.log(5))
    error = float(logs.std()) / math.sqrt(len(logs))
    assert bracket.lower.value - 5 * error < float(logs.mean()) < bracket.upper.value + 5 * error
    sampled = [z[i::5].T.cov() for i in range(5)]
    torch.testing.assert_close(torch.stack(sampled), matrices, rtol=0.2, atol=0.05 * float(matrices.max()))


def test_isotropic_noise_is_a_standard_deviation() -> None:
    net, x = network(), images(1)
    maps = affine_maps(net, x)
    _, matrix = maps.pushforward(0.3)
    torch.testing.assert_close(matrix[0], 0.09 * maps.jacobian[0] @ maps.jacobian[0].T)
    check = check_pushforward(net, x, maps, 1e-7, samples=1000)
    assert float(check.covariance_error[0]) < 3 * float(check.expected_error[0])


def test_a_dead_network_is_affine_and_gives_no_nan() -> None:
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).double().eval()
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.fill_(-1.0)
    x = torch.randn(2, 4, dtype=torch.float64)
    maps = affine_maps(net, x)
    assert float(maps.jacobian.abs().max()) == 0
    check = check_pushforward(net, x, maps, 1.0, samples=50)
    assert bool(torch.isfinite(check.mean_error).all())
    assert bool((check.inside == 1).all())
    assert float(affine_error(net, x, maps, 1.0).max()) == 0


def test_bad_input_is_refused() -> None:
    net, x = network(), images()
    with pytest.raises(InvalidOption, match="training mode"):
        affine_maps(network().train(), x)
    with pytest.raises(InvalidOption, match="mode"):
        affine_maps(net, x, mode="sideways")
    with pytest.raises(InvalidData, match="floating batch"):
        affine_maps(net, x.long())
    with pytest.raises(InvalidData, match="rows to rows"):
        affine_maps(lambda v: v.flatten(1).mean(0, keepdim=True), x)
    with pytest.raises(InvalidData, match="NaN"):
        affine_maps(lambda v: v.flatten(1) * math.nan, x)
    maps = affine_maps(net, x)
    with pytest.raises(InvalidOption, match="positive"):
        affine_radius(net, x, maps, largest=0.0)
    with pytest.raises(InvalidOption, match="samples"):
        check_pushforward(net, x, maps, 1.0, samples=1)
