"""Norms of real layers, Lipschitz bounds of real networks, and the classes built on them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bounds.complexity import FiniteClass, LinearMap, Neighbourhood, SpectralNet, rademacher, signs
from bounds.complexity import operator_norm as on
from bounds.complexity.layers import network_norms
from bounds.complexity.spectral_net import _covering_constant, _dudley
from bounds.data.preprocessing import Preprocessing
from bounds.encoders.architectures import ResNet, SmallConvNet
from bounds.encoders.checkpoints import load_encoder, save_encoder
from bounds.errors import InvalidData, InvalidOption, NotApplicable, NumericalError


def unrolled(layer: nn.Conv2d, size: tuple[int, int]) -> Tensor:
    """The matrix of a convolution, one unit image at a time."""
    n = layer.in_channels * size[0] * size[1]
    columns = []
    for k in range(n):
        unit = torch.zeros(n, dtype=torch.float64)
        unit[k] = 1
        image = unit.reshape(1, layer.in_channels, *size)
        columns.append(
            nn.functional.conv2d(
                image, layer.weight.double(), None, layer.stride, layer.padding, layer.dilation, layer.groups
            ).flatten()
        )
    return torch.stack(columns, 1)


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norms with statistics worth folding."""
    torch.manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
    return network.eval()


# --- convolutions ---


@pytest.mark.parametrize("dense", [0, 10**6])
@settings(max_examples=25)
@given(
    st.integers(0, 10**6),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from([(5, 5), (6, 4), (3, 7), (1, 1)]),
    st.sampled_from([1, 2]),
)
def test_convolution_norm_lies_between_its_bounds(
    dense: int,
    seed: int,
    kernel: int,
    stride: int,
    padding: int,
    dilation: int,
    size: tuple[int, int],
    groups: int,
) -> None:
    if min(size) + 2 * padding < dilation * (kernel - 1) + 1:
        return
    torch.manual_seed(seed)
    layer = nn.Conv2d(2, 4, kernel, stride, padding, dilation, groups)
    exact = float(torch.linalg.matrix_norm(unrolled(layer, size).detach(), 2))
    original, on._DENSE = on._DENSE, dense
    try:
        above = on.convolution_norm_above(layer.weight.detach(), size, layer)
    finally:
        on._DENSE = original
    below = on.convolution_norm_below(layer.weight.detach(), size, layer)
    assert below <= exact * (1 + 1e-9)
    assert exact <= above
    if dense:
        assert above == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (1, 2, 0), (7, 2, 3), (2, 2, 0)]
)
def test_certified_norm_is_tight_on_images_larger_than_the_kernel(
    kernel: int, stride: int, padding: int
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(2, 3, kernel, stride, padding)
    weight, size = layer.weight.detach(), (26, 26)
    assert on._DENSE < 2 * 26 * 26
    above, below = (
        on.convolution_norm_above(weight, size, layer),
        on.convolution_norm_below(weight, size, layer),
    )
    assert below <= above <= 1.06 * below


def test_a_strided_convolution_is_not_charged_for_the_pixels_it_skips() -> None:
    layer = nn.Conv2d(1, 1, 2, 2)
    nn.init.ones_(layer.weight)
    assert on.convolution_norm_above(layer.weight.detach(), (40, 40), layer) == pytest.approx(2.0, rel=1e-8)


def test_same_padding_is_covered() -> None:
    torch.manual_seed(1)
    layer = nn.Conv2d(1, 2, (5, 3), padding="same")
    exact = float(torch.linalg.matrix_norm(unrolled(layer, (26, 25)).detach(), 2))
    above = on.convolution_norm_above(layer.weight.detach(), (26, 25), layer)
    assert exact <= above <= 1.05 * exact


# --- networks ---

NETWORKS = [
    (SmallConvNet(1, width=4, dim=6), (1, 8, 8)),
    (ResNet(18, stem="cifar", width=2), (3, 16, 16)),
    (ResNet(18, stem="imagenet", width=2), (3, 32, 32)),
    (ResNet(50, stem="cifar", width=2), (3, 8, 8)),
    (
        nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(27, 5)),
        (1, 8, 8),
    ),
    (nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.Tanh(), nn.Dropout(), nn.Linear(9, 2)), (6,)),
]


@pytest.mark.parametrize(("network", "shape"), NETWORKS)
def test_lipschitz_bound_holds_and_chains_are_recognised(network: nn.Module, shape: tuple[int, ...]) -> None:
    randomised(network)
    norms = network_norms(network, torch.zeros(1, *shape))
    x = torch.randn(64, *shape)
    for scale in (1e-2, 1.0):
        y = x + scale * torch.randn_like(x)
        with torch.no_grad():
            moved = (network(x) - network(y)).flatten(1).norm(dim=1)
        assert bool((moved <= norms.lipschitz * (x - y).flatten(1).norm(dim=1) * (1 + 1e-5)).all())
    linear = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(norms.layers) == len(linear)
    residual, curved = isinstance(network, ResNet), any(isinstance(m, nn.Tanh) for m in network.modules())
    assert norms.chain is not (residual or curved)
    assert all(layer.spectral_below <= layer.spectral for layer in norms.layers)


def test_batch_norm_is_folded_not_multiplied() -> None:
    # One channel is amplified by the batch norm, the other carries the large weight.
    conv, norm = nn.Conv2d(2, 2, 1, bias=False), nn.BatchNorm2d(2)
    conv.weight.data = torch.diag(torch.tensor([10.0, 0.1]))[:, :, None, None]
    norm.weight.data = torch.tensor([0.1, 10.0])
    norms = network_norms(nn.Sequential(conv, norm).eval(), torch.zeros(1, 2, 30, 30))
    assert norms.lipschitz == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize(
    ("pool", "gain"),
    [
        (nn.AvgPool2d(2), 0.5),
        (nn.MaxPool2d(3, 2, 1), 2.0),
        (nn.MaxPool2d(2), 1.0),
        (nn.AdaptiveAvgPool2d(1), 1 / 8),
    ],
)
def test_pooling_has_the_gain_of_its_worst_image(pool: nn.Module, gain: float) -> None:
    norms = network_norms(pool, torch.zeros(1, 1, 8, 8))
    assert norms.lipschitz == pytest.approx(gain)
    worst = torch.zeros(1, 1, 8, 8)
    if isinstance(pool, nn.MaxPool2d):
        worst[0, 0, 3, 3] = 1.0
    else:
        worst += 1.0
    assert float(pool(worst).norm() / worst.norm()) == pytest.approx(gain)


class TwoBranches(nn.Module):
    """a x + a x through one layer used twice, and an identity."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3, bias=False)
        self.b = nn.Linear(3, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        return self.b(y + y) + x


def test_branches_add_up() -> None:
    network = TwoBranches()
    nn.init.eye_(network.a.weight)
    nn.init.eye_(network.b.weight)
    norms = network_norms(network, torch.zeros(1, 3))
    assert norms.lipschitz == pytest.approx(3.0, rel=1e-8)
    a, b = norms.layers
    assert a.lipschitz_out == pytest.approx(2.0, rel=1e-8)
    assert (b.lipschitz_in, b.lipschitz_out) == (pytest.approx(2.0, rel=1e-8), 1.0)


def test_covering_and_range_bounds_of_a_two_layer_net_follow_the_formula() -> None:
    torch.manual_seed(2)
    network = nn.Sequential(nn.Linear(4, 6, bias=False), nn.ReLU(), nn.Linear(6, 3, bias=False))
    x1, x2 = torch.randn(200, 4), torch.randn(200, 4)
    got = rademacher((x1, x2), SpectralNet(), encoder=network)
    a, b = (m.weight.detach().double().numpy() for m in (network[0], network[2]))
    s = [np.linalg.svd(w, compute_uv=False)[0] for w in (a, b)]
    rows = [np.linalg.norm(w, axis=1).sum() for w in (a, b)]
    size = math.sqrt(float((x1.double() ** 2).sum() + (x2.double() ** 2).sum()))
    # Bartlett et al. 2017: ||X|| prod s (sum (b/s)^(2/3))^(3/2), here with 2 ln(2 w^2) under the root.
    ratio = sum((r / t) ** (2 / 3) for r, t in zip(rows, s, strict=True)) ** 1.5
    c = math.sqrt(2) * math.sqrt(2 * math.log(2 * 36)) * size * s[0] * s[1] * ratio
    h = s[0] * s[1] * (x1 - x2).double().norm(dim=1).numpy()
    r, m = math.sqrt((h**2).sum()), 200
    assert got.details["range"] == pytest.approx(h.sum() / 2 / math.sqrt(m), rel=1e-6)
    layers = network_norms(network, torch.zeros(1, 4)).layers
    assert _covering_constant(layers, size**2, 400) == pytest.approx(c, rel=1e-6)
    shared = tuple(replace(layer, overlap=9) for layer in layers)
    assert _covering_constant(shared, size**2, 400) == pytest.approx(3 * c, rel=1e-6)
    moved = tuple(replace(layer, offset_in=2.0, lipschitz_in=0.0) for layer in layers)
    assert _covering_constant(moved[:1], size**2, 400) == pytest.approx(
        2 * math.sqrt(math.log(72)) * 2.0 * 20 * rows[0] * s[1], rel=1e-6
    )
    assert got.details["covering"] == pytest.approx(_dudley(c, r, m), rel=1e-6)
    frobenius = np.linalg.norm(a)
    both = math.sqrt(2 * float((x1.double() ** 2).sum() + (x2.double() ** 2).sum()))
    peel = math.sqrt(2) * rows[1] * frobenius * (math.sqrt(4 * math.log(2)) + 1) * both / math.sqrt(m)
    assert got.details["peeling"] == pytest.approx(peel, rel=1e-6)
    assert got.upper == min(got.details[k] for k in ("range", "covering", "peeling"))


@pytest.mark.parametrize(("c", "r", "m"), [(1.0, 50.0, 100), (1e-3, 2.0, 7), (5.0, 1.0, 4), (0.0, 1.0, 5)])
def test_dudley_integral_is_minimised_over_its_lower_end(c: float, r: float, m: int) -> None:
    alpha = np.geomspace(1e-9, r, 200_001)
    by_grid = (4 * alpha * math.sqrt(m) + 12 * c * np.log(r / alpha)).min() / math.sqrt(m)
    assert _dudley(c, r, m) == pytest.approx(by_grid, rel=1e-6, abs=1e-7)


def test_covering_wins_when_there_are_many_pairs() -> None:
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    x = 100 * torch.ones(2_000_000, 1)
    got = rademacher((x, -x), SpectralNet(), encoder=network, rows=500_000)
    assert got.details["covering"] < got.details["range"]


def test_spectral_class_bounds_the_members_we_can_sample() -> None:
    # Members: the checkpoint's layers multiplied by orthogonal matrices and shrunk; a finite subclass.
    torch.manual_seed(4)
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    x1, x2 = torch.randn(300, 3), torch.randn(300, 3)
    upper = rademacher((x1, x2), SpectralNet(), encoder=network).upper
    members = []
    for _ in range(20):
        member = nn.Sequential(nn.Linear(3, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
        for mine, theirs in zip(member.parameters(), network.parameters(), strict=True):
            mine.data = theirs.data * torch.rand(())
        members.append(member)
    finite = rademacher((x1, x2), FiniteClass(), encoder=members, draws=50).monte_carlo
    assert upper is not None
    assert finite is not None
    assert 0 < finite.value < upper


def test_l2_normalisation_needs_a_floor() -> None:
    network, x = SmallConvNet(1, width=2, dim=3).eval(), torch.rand(5, 1, 8, 8)
    got = rademacher((x, x + 0.1), SpectralNet("l2"), encoder=network)
    assert (got.upper, got.status) == (None, "unverifiable")
    with pytest.raises(NotApplicable, match="floor"):
        got.gap(2.0, 0.1)
    floored = rademacher((x, x + 0.1), SpectralNet("l2", floor=0.5), encoder=network)
    plain = rademacher((x, x + 0.1), SpectralNet(), encoder=network)
    assert floored.details["lipschitz"] == pytest.approx(2 * plain.details["lipschitz"])
    assert floored.upper is not None
    # Never above the trivial bound of functions with range 2.
    assert floored.upper <= math.sqrt(5) * (1 + 1e-12)


class Unknown(nn.Module):
    def __init__(self, operation: Any) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.operation(x)
        return out


@pytest.mark.parametrize(
    ("operation", "match"),
    [
        (torch.exp, "exp"),
        (nn.LayerNorm(4), "LayerNorm"),
        (lambda x: x * x, "mul"),
        (lambda x: x + 1, "add"),
        (nn.LeakyReLU(3.0), "LeakyReLU"),
        (lambda x: x if x.sum() > 0 else -x, "traced"),
        (nn.BatchNorm1d(4, track_running_stats=False), "more than 1 value"),
        (nn.functional.normalize, "normalize"),
        (lambda x: x[0], "getitem"),
    ],
)
def test_operations_without_a_known_norm_are_refused(operation: Any, match: str) -> None:
    x = torch.randn(3, 4)
    with pytest.raises(NotApplicable, match=match):
        rademacher((x, x), SpectralNet(), encoder=Unknown(operation))


# --- neighbourhoods ---


def test_neighbourhood_of_a_linear_map_agrees_with_the_linear_class() -> None:
    torch.manual_seed(5)
    x1, x2 = torch.randn(80, 3), torch.randn(80, 3)
    network = nn.Linear(3, 3, bias=False)
    network.weight.data *= 1e-4
    near = rademacher((x1, x2), Neighbourhood(2.0, steps=20), encoder=network, search=6).lower
    ball = rademacher((x1.double(), x2.double()), LinearMap(2.0), draws=1, search=6).lower
    assert near is not None
    assert ball is not None
    assert near.value == pytest.approx(ball.value, rel=0.1)


def test_neighbourhood_grows_with_its_radius_and_leaves_the_network_alone() -> None:
    network = randomised(ResNet(18, stem="cifar", width=2))
    network.train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    x = torch.rand(30, 3, 8, 8)
    pair = (x, x + 0.1 * torch.randn_like(x))
    found = [
        rademacher(pair, Neighbourhood(rho, "l2", steps=4), encoder=network, search=2, rows=16)
        for rho in (1e-4, 0.01, 0.3)
    ]
    values = [f.lower.value for f in found if f.lower is not None]
    assert 0 <= values[0] < 0.02 * values[2]
    assert values[0] < values[1] < values[2]
    assert all(f.upper is None and f.status == "unverifiable" for f in found)
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def test_neighbourhood_values_are_reached_inside_the_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    from bounds.complexity import neighbourhood as nb

    lengths: list[float] = []
    original = nb._Ascent._value_and_gradient

    def spy(self: Any, offset: dict[str, Tensor], draw: int) -> Any:
        lengths.append(math.sqrt(sum(float(o.double().square().sum()) for o in offset.values())))
        return original(self, offset, draw)

    monkeypatch.setattr(nb._Ascent, "_value_and_gradient", spy)
    x = torch.rand(20, 1, 8, 8)
    rademacher((x, x.flip(3)), Neighbourhood(0.7), encoder=SmallConvNet(1, 2, 3), search=3)
    assert 0.69 < max(lengths) <= 0.7


def test_a_known_range_gives_a_confidence_limit_and_none_gives_zero() -> None:
    torch.manual_seed(6)
    network, x = nn.Linear(4, 8), torch.randn(200, 4)
    pair = (x, torch.randn(200, 4))
    bounded = rademacher(pair, Neighbourhood(20.0, "l2"), encoder=network, search=8, level=0.6).lower
    free = rademacher(pair, Neighbourhood(20.0), encoder=network, search=2).lower
    assert bounded is not None
    assert free is not None
    half = math.sqrt(2 * math.log(1 / 0.4) / 8)
    with torch.no_grad():
        z1, z2 = (nn.functional.normalize(network(x), dim=1) for x in pair)
    start = signs(0, range(200), 8).T @ ((z1 - z2).norm(dim=1) - 1)
    assert bounded.low == pytest.approx(bounded.value + float(start.mean()) / math.sqrt(200) - half, rel=1e-4)
    assert 0 < bounded.low < bounded.value
    assert (free.low, free.high) == (0.0, math.inf)


# --- checkpoints ---


def test_a_checkpoint_file_its_encoder_and_its_network_agree(tmp_path: Path) -> None:
    network = randomised(SmallConvNet(1, width=2, dim=3))
    path = tmp_path / "encoder.safetensors"
    save_encoder(network, path, preprocessing=Preprocessing(mean=(0.5,), std=(0.25,)))
    images = torch.randint(
        0, 256, (2, 12, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    prepared = (images.float() / 255 - 0.5) / 0.25
    for function_class in (SpectralNet(), Neighbourhood(0.2, steps=2)):
        found = [
            rademacher((images[0], images[1]), function_class, encoder=path, search=2),
            rademacher((images[0], images[1]), function_class, encoder=load_encoder(path), search=2),
            rademacher((prepared[0], prepared[1]), function_class, encoder=network, search=2),
        ]
        values = [f.upper if f.lower is None else f.lower.value for f in found]
        assert values[0] == values[1] == pytest.approx(values[2], rel=1e-4)
    finite = rademacher((images[0], images[1]), FiniteClass(), encoder=[path, load_encoder(path)], draws=9)
    assert finite.upper == pytest.approx(0, abs=1e-9)


X = torch.rand(4, 1, 8, 8)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: rademacher((X, X), SpectralNet()), InvalidOption, "encoder"),
        (lambda: rademacher((X, X), Neighbourhood(1.0), encoder=3), InvalidOption, "encoder"),
        (lambda: rademacher(X, SpectralNet(), encoder=SmallConvNet()), InvalidData, "pair"),
        (lambda: rademacher((X, X[:2]), SpectralNet(), encoder=SmallConvNet()), InvalidData, "one shape"),
        (
            lambda: rademacher((X.int(), X.int()), SpectralNet(), encoder=SmallConvNet()),
            InvalidData,
            "floating",
        ),
        (lambda: rademacher((X * math.nan, X), SpectralNet(), encoder=SmallConvNet()), InvalidData, "NaN"),
        (lambda: Neighbourhood(0.0), InvalidOption, "rho"),
        (lambda: Neighbourhood(1.0, "whiten"), InvalidOption, "normalize"),
        (lambda: Neighbourhood(1.0, steps=0), InvalidOption, "steps"),
        (lambda: SpectralNet("whiten"), InvalidOption, "normalize"),  # type: ignore[arg-type]
        (lambda: SpectralNet(floor=0.0), InvalidOption, "floor"),
        (lambda: SpectralNet(radius=math.inf), InvalidOption, "radius"),
        (
            lambda: rademacher((X, X * 1e38), Neighbourhood(1e30), encoder=SmallConvNet()),
            NumericalError,
            "rho",
        ),
    ],
)
def test_bad_input_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_networks_on_cuda_agree_with_the_cpu() -> None:
    network = randomised(SmallConvNet(1, width=2, dim=3))
    x = torch.rand(30, 1, 8, 8)
    for function_class in (SpectralNet(), Neighbourhood(0.1, steps=3)):
        here, there = (
            rademacher((x, x.flip(3)), function_class, encoder=network, search=2, device=d)
            for d in ("cpu", "cuda")
        )
        if here.lower is not None and there.lower is not None:
            assert there.lower.value == pytest.approx(here.lower.value, rel=1e-3)
        else:
            assert there.upper == pytest.approx(here.upper, rel=1e-9)


# --- layers that norm products do not know ---


class Mixed(nn.Module):
    """Averages over the items of a batch."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.mean(0, keepdim=True)


class Overwrites(nn.Module):
    """x is used again after the sum took its place."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(x)
        z = y
        z += self.linear(y)
        return self.linear(y) + z


class OverwritesByName(Overwrites):
    """The same, in a way that a trace does follow."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(x)
        z = y.add_(self.linear(y))
        return self.linear(y) + z


def _hooked() -> nn.Module:
    network = nn.Linear(6, 2)
    network.register_forward_hook(lambda module, args, out: 100 * out)
    return network


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.AvgPool2d(2, ceil_mode=True), (1, 5, 5)),
        (nn.AvgPool2d(2, divisor_override=1), (1, 4, 4)),
        (nn.MaxPool2d(2, return_indices=True), (1, 4, 4)),
        (nn.Flatten(0), (3, 2)),
        (nn.AvgPool2d(2, padding=1), (1, 4, 4)),
        (Mixed(), (6,)),
        (Overwrites(), (6,)),
        (OverwritesByName(), (6,)),
        (_hooked(), (6,)),
    ],
)
def test_a_layer_or_option_that_is_not_recognised_has_no_bound(network: nn.Module, shape: Any) -> None:
    with pytest.raises(NotApplicable):
        network_norms(network.eval(), torch.zeros(1, *shape))


def test_a_padded_pool_with_partial_windows_keeps_its_bound() -> None:
    pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
    bound = network_norms(pool, torch.zeros(1, 1, 6, 6)).lipschitz
    torch.manual_seed(0)
    x, y = torch.randn(2, 400, 1, 6, 6)
    assert float(((pool(x) - pool(y)).flatten(1).norm(dim=1) / (x - y).flatten(1).norm(dim=1)).max()) <= bound


def test_features_of_a_sequence_are_not_the_channels_of_a_batch_norm() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).eval()
    nn.init.constant_(network[1].running_var, 1e-4)
    nn.init.zeros_(network[1].weight)
    with torch.no_grad():
        network[1].weight[0] = 5.0
    bound = network_norms(network, torch.zeros(1, 4, 3)).lipschitz
    x, y = torch.randn(2, 200, 4, 3)
    steepest = ((network(x) - network(y)).flatten(1).norm(dim=1) / (x - y).flatten(1).norm(dim=1)).max()
    assert float(steepest.detach()) <= bound


def test_peeling_does_not_forget_a_batch_norm_that_is_not_folded() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()
    nn.init.constant_(network[2].weight, 100.0)
    x = [torch.randn(200, 4) for _ in range(2)]
    with torch.no_grad():
        distances = (network(x[0]) - network(x[1])).norm(dim=1)
    # The class holds f and the zero map: E max(0, Σσh)/√m is about ‖h‖/√(2πm).
    at_least = float(distances.norm()) / math.sqrt(2 * math.pi * 200)
    found = rademacher(tuple(x), SpectralNet(), encoder=network)
    assert found.details["peeling"] == math.inf
    assert found.upper >= 0.9 * at_least
