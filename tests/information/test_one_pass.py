"""What a training loop logs is what `describe` shows."""

import pytest
import torch

import bounds
from bounds.errors import InvalidData


def pair(n: int = 200, d: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    z = torch.randn(n, d, generator=g) * torch.arange(1, d + 1)
    return z, z + 0.2 * torch.randn(n, d, generator=g)


def test_monitor_logs_the_values_of_describe() -> None:
    found, shown = bounds.monitor(*pair()), bounds.describe(pair())
    assert {"rank_me", "alpha_req", "lidar", "alignment", "vicreg_invariance"} <= found.keys()
    for name, value in found.items():
        assert value == pytest.approx(shown[name], rel=1e-12), name
    one = bounds.monitor(pair()[0])
    assert found.keys() - one.keys() == {"lidar", "alignment", "vicreg_invariance"}


def test_monitor_leaves_gradients_alone_and_says_less_of_a_collapsed_encoder() -> None:
    z = pair()[0].requires_grad_()
    bounds.monitor(z, z.detach())
    assert z.grad is None
    collapsed = bounds.monitor(torch.zeros(20, 4), torch.zeros(20, 4))
    assert collapsed["rank"] == 0
    assert "rank_me" not in collapsed
    assert "lidar" not in collapsed
    with pytest.raises(InvalidData, match="at least 2"):
        bounds.monitor(torch.zeros(1, 4))
    with pytest.raises(InvalidData, match="NaN"):
        bounds.monitor(torch.full((3, 4), torch.nan))
