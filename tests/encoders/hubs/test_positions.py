"""The position embeddings of MoCo v3 are told from all others, in every precision and not by their norms alone."""

import pytest
import torch

from bounds.encoders.hubs.positions import kind_of, sines
from tests.encoders.hubs.layouts import mae_positions, moco_v3_positions


@pytest.mark.parametrize(("side", "dim"), [(2, 384), (14, 384), (14, 768), (28, 192)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_both_codes_are_told_apart(side, dim, dtype):
    assert kind_of(moco_v3_positions(side, dim).to(dtype), 1) == "moco v3"
    assert kind_of(mae_positions(side, dim).to(dtype), 1) == "fixed"
    assert kind_of(mae_positions(side, dim, token=False).to(dtype), 0) == "fixed"
    assert (sines(side, dim) - moco_v3_positions(side, dim)[0, 1:]).abs().max() < 1e-5


@pytest.mark.parametrize("make", [moco_v3_positions, mae_positions])
def test_what_training_went_on_from_is_not_learned_from_nothing(make):
    drift = 0.1 * torch.randn(1, 197, 384, generator=torch.Generator().manual_seed(0))
    assert kind_of(make(14, 384) + drift, 1) == "fixed"


def test_sines_of_other_orders_and_frequencies_are_fixed():
    table = moco_v3_positions(14, 384).clone()
    order = torch.randperm(384, generator=torch.Generator().manual_seed(0))
    assert kind_of(table[:, :, order], 1) == "fixed"
    assert kind_of(moco_v3_positions(14, 384, temperature=100.0), 1) == "fixed"
    table[0, 0] = 0.3  # a class token with a place of its own
    assert kind_of(table, 1) == "fixed"


@pytest.mark.parametrize("scale", [0.02, 0.3, 0.7, 2.0])
def test_learned_ones_are_learned(scale):
    """Noise, also of the size of sines, and smooth noise, which is what training makes of it."""
    noise = torch.randn(1, 24, 14, 14, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise[:, :, :4, :4], 14, mode="bicubic")
    for maps in (noise, smooth):
        mixed = (
            torch.randn(384, 24, generator=torch.Generator().manual_seed(1)) @ maps.flatten(2)[0] / 24**0.5
        )
        table = torch.cat([torch.zeros(1, 384), scale * mixed.T])[None]
        assert kind_of(table, 1) == "learned"


def test_shapes_without_a_square_are_learned():
    assert kind_of(torch.ones(1, 6, 384), 1) == "learned"
    assert kind_of(torch.ones(1, 5, 6), 1) == "learned"
