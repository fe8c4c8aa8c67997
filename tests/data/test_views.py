"""Augmented views: a function of (seed, row, view), with the recipe's probabilities and ranges."""

import numpy as np
import pytest
import torch

from bounds.data.views import TINY_RECIPE, Augmentation, Recipe
from bounds.errors import InvalidData, InvalidOption

NEVER = dict.fromkeys(("flip", "jitter", "grey", "blur", "solarize"), 0.0)
STILL = {"area": (1.0, 1.0), "ratio": (1.0, 1.0), **NEVER}


def photographs(n: int, channels: int = 3, side: int = 32, seed: int = 0) -> torch.Tensor:
    """Smooth random colour fields, uint8."""
    noise = torch.rand(n, channels, 5, 5, generator=torch.Generator().manual_seed(seed))
    field = torch.nn.functional.interpolate(noise, size=(side, side), mode="bicubic").clamp(0, 1)
    return (field * 255).to(torch.uint8)


@pytest.mark.parametrize(("channels", "side"), [(3, 32), (1, 28), (1, 8), (3, 64)])
def test_a_view_depends_on_seed_row_and_view_only(channels, side):
    images = photographs(40, channels, side)
    rows = np.arange(100, 140)
    augment = Augmentation(seed=3)
    whole = augment(images, rows, 0)
    assert whole.shape == images.shape
    assert whole.dtype == torch.float32
    assert 0 <= whole.min() <= whole.max() <= 1
    order = np.random.default_rng(0).permutation(40)
    for size in (1, 7, 40):
        parts = [augment(images[some], rows[some], 0) for some in np.split(order, range(size, 40, size))]
        torch.testing.assert_close(torch.cat(parts), whole[order], atol=2e-6, rtol=0)
    reseeded = Augmentation(seed=4)(images, rows, 0)
    for other in (reseeded, augment(images, rows, 1), augment(images, rows + 40, 0)):
        assert ((other - whole).abs().amax(dim=(1, 2, 3)) > 0.01).float().mean() > 0.9


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first = Augmentation(seed=1)(photographs(8), np.arange(8), 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002
    torch.rand(3)
    assert torch.equal(Augmentation(seed=1)(photographs(8), np.arange(8), 0), first)


def test_uint8_and_float_images_give_the_same_views():
    images = photographs(16)
    views = Augmentation(seed=0)(images, np.arange(16), 0)
    torch.testing.assert_close(Augmentation(seed=0)(images.double() / 255, np.arange(16), 0), views)


def test_no_augmentation_is_the_identity():
    images = photographs(6)
    same = Augmentation(Recipe(**STILL))(images, np.arange(6), 0)
    torch.testing.assert_close(same, images.float() / 255, atol=1e-5, rtol=0)


def test_a_flip_happens_as_often_as_the_recipe_says():
    images = photographs(1).expand(4000, -1, -1, -1)
    views = Augmentation(Recipe(**STILL | {"flip": 0.3}))(images, np.arange(4000), 0)
    mirrored = torch.isclose(views, images.flip(3).float() / 255, atol=1e-5).all(dim=(1, 2, 3))
    unchanged = torch.isclose(views, images.float() / 255, atol=1e-5).all(dim=(1, 2, 3))
    assert (mirrored ^ unchanged).all()
    assert abs(mirrored.float().mean() - 0.3) < 0.03


def test_a_crop_has_the_area_and_ratio_asked_for_and_lies_inside():
    side, n = 64, 500
    ramp = torch.linspace(0.5 / side, 1 - 0.5 / side, side)
    images = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side), torch.zeros(side, side)])
    recipe = Recipe(**STILL | {"area": (0.25, 0.5), "ratio": (0.8, 1.25)})
    x, y, _ = Augmentation(recipe)(images.expand(n, -1, -1, -1), np.arange(n), 0).unbind(1)
    wide = (x[:, 0, -1] - x[:, 0, 0]) * side / (side - 1)
    high = (y[:, -1, 0] - y[:, 0, 0]) * side / (side - 1)
    area, ratio = wide * high, wide / high
    assert 0.245 < area.min() < 0.27
    assert 0.48 < area.max() < 0.505
    assert 0.79 < ratio.min() < 0.83
    assert 1.2 < ratio.max() < 1.26
    centre = x[:, 0].mean(1)
    assert centre.min() < 0.35
    assert centre.max() > 0.65
    assert ((centre - wide / 2) > -0.01).all()


def test_grey_solarize_and_jitter_do_what_they_say():
    images = photographs(5)
    rows = np.arange(5)
    x = images.float() / 255
    luma = (x * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    grey = Augmentation(Recipe(**STILL | {"grey": 1.0}))(images, rows, 0)
    torch.testing.assert_close(grey, luma.expand_as(x), atol=1e-5, rtol=0)
    inverted = Augmentation(Recipe(**STILL | {"solarize": 1.0}))(images, rows, 0)
    torch.testing.assert_close(inverted, torch.where(x >= 0.5, 1 - x, x), atol=2e-5, rtol=0)
    only = {"jitter": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    torch.testing.assert_close(Augmentation(Recipe(**STILL | only))(images, rows, 0), x, atol=1e-4, rtol=0)
    bright = Augmentation(Recipe(**STILL | only | {"brightness": 0.4}))(images, rows, 0)
    factor = (bright / x.clamp_min(0.05))[:, :, 8:24, 8:24].flatten(1).median(dim=1).values
    assert ((factor > 0.55) & (factor < 1.45)).all()
    assert factor.std() > 0.05


def test_blur_takes_detail_away_item_by_item():
    noise = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    blurred = Augmentation(Recipe(**STILL | {"blur": 1.0, "sigma": (0.1, 2.0)}))(noise, np.arange(64), 0)
    kept = blurred.var(dim=(1, 2, 3)) / noise.var(dim=(1, 2, 3))
    assert kept.min() < 0.3
    assert kept.max() > 0.9


def test_tiny_images_get_the_mild_recipe_and_grey_ones_stay_grey():
    images = photographs(10, 1, 8)
    mild = Augmentation(TINY_RECIPE)(images, np.arange(10), 0)
    assert torch.equal(Augmentation()(images, np.arange(10), 0), mild)
    assert TINY_RECIPE.blur == 0
    assert Augmentation(Recipe())(photographs(10, 1, 32), np.arange(10), 0).shape == (10, 1, 32, 32)


def test_views_can_have_another_size():
    assert Augmentation(size=48)(photographs(2, side=40), np.arange(2), 0).shape == (2, 3, 48, 48)


def test_bad_recipes_and_rows_are_refused():
    with pytest.raises(InvalidOption, match="`flip` must be a probability, got 2"):
        Recipe(flip=2)
    with pytest.raises(InvalidOption, match="`area` must be a positive range"):
        Recipe(area=(0.9, 0.1))
    with pytest.raises(InvalidOption, match="`hue` must be in"):
        Recipe(hue=0.6)
    with pytest.raises(InvalidData, match="one index for each of the 4 images, got 3"):
        Augmentation()(photographs(4), np.arange(3), 0)
