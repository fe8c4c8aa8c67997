"""Augmented views of images (the SimCLR and VICReg recipe), each a function of (seed, row, view) alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bounds.data.preprocessing import to_unit_interval
from bounds.draws import uniforms
from bounds.errors import InvalidData, InvalidOption

_TINY = 16  # pixels: at or below, a strong crop or a blur leaves nothing of the object
_DRAWS = 14  # uniform numbers an item and view may use


@dataclass(frozen=True)
class Recipe:
    """Strengths and probabilities of the augmentations, applied in the order of the fields.

    Attributes:
        area: Range of the crop's share of the image area.
        ratio: Range of the crop's width over height (log-uniform).
        flip: Probability of a horizontal flip.
        jitter: Probability of the colour jitter: brightness, contrast, saturation, hue, in this order.
        brightness: Factor within 1 ± this; likewise `contrast` and `saturation`.
        contrast: See `brightness`.
        saturation: See `brightness`; RGB only.
        hue: Shift within ± this, in turns of the colour circle; RGB only.
        grey: Probability of losing all colour; RGB only.
        blur: Probability of a Gaussian blur; the kernel spans a tenth of the side, three pixels at least.
        sigma: Range of its standard deviation, pixels.
        solarize: Probability of inverting the pixels above one half.

    Source: Chen et al. 2020 (SimCLR, appendix A); Bardes, Ponce and LeCun 2022 (VICReg, appendix C.1).
    """

    area: tuple[float, float] = (0.2, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.8
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.2
    hue: float = 0.1
    grey: float = 0.2
    blur: float = 0.5
    sigma: tuple[float, float] = (0.1, 2.0)
    solarize: float = 0.1

    def __post_init__(self) -> None:
        for name in ("flip", "jitter", "grey", "blur", "solarize"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidOption(f"`{name}` must be a probability, got {getattr(self, name)!r}.")
        for name, top in (("area", 1.0), ("ratio", math.inf), ("sigma", math.inf)):
            low, high = getattr(self, name)
            if not 0 < low <= high <= top:
                raise InvalidOption(f"`{name}` must be a positive range (low, high), got {(low, high)}.")
        for name, top in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.5)):
            if not 0 <= getattr(self, name) <= top:
                raise InvalidOption(f"`{name}` must be in [0, {top}], got {getattr(self, name)!r}.")


TINY_RECIPE = Recipe(area=(0.6, 1.0), flip=0.0, blur=0.0, solarize=0.0)


class Augmentation:
    """Random views of a batch of images, on the device where they lie; the global random state is left alone.

    The crop's box is drawn at once (area, ratio, then a uniform place, sides cut to the image) and not by
    rejection; crop and flip are one bilinear resampling. Grey images skip what has no meaning for them.

    Args:
        recipe: What to apply; None takes `TINY_RECIPE` up to 16 pixels a side, else `Recipe()`.
        seed: Any integer.
        size: Side in pixels of the views; None keeps the images' own size.
    """

    def __init__(self, recipe: Recipe | None = None, *, seed: int = 0, size: int | None = None) -> None:
        self.recipe = recipe
        self.seed = seed
        self.size = size

    def __call__(self, images: Tensor, rows: np.ndarray, view: int) -> Tensor:
        """One view of each image.

        Args:
            images: (N, C, H, W), uint8 or float in [0, 1], C is 1 or 3.
            rows: Index of each image in its data set, integers (N,): what its randomness is keyed by.
            view: Which view, any integer (in training: epoch and view together).

        Returns:
            float32 in [0, 1], (N, C, size, size) or the images' own size.

        Raises:
            InvalidData: another shape or type, or not one row index for each image.
        """
        x = to_unit_interval(images)
        if len(rows) != len(x):
            raise InvalidData(f"`rows` must have one index for each of the {len(x)} images, got {len(rows)}.")
        recipe = self.recipe or (TINY_RECIPE if max(x.shape[2:]) <= _TINY else Recipe())
        draws = uniforms(self.seed, np.asarray(rows), view, _DRAWS).T
        x = self._crop(x, recipe, draws)
        return _pixels(x, recipe, draws)

    def description(self) -> dict[str, Any]:
        """Seed, size and recipe as plain data; equal descriptions make equal views."""
        recipe = "default" if self.recipe is None else asdict(self.recipe)
        return {"seed": self.seed, "size": self.size, "recipe": recipe}

    def _crop(self, x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
        height, width = x.shape[2:]
        area = _between(recipe.area, u[0])
        ratio = np.exp(_between((math.log(recipe.ratio[0]), math.log(recipe.ratio[1])), u[1]))
        wide = np.minimum(np.sqrt(area * ratio * height / width), 1)  # share of the image's width
        high = np.minimum(np.sqrt(area / ratio * width / height), 1)
        flip = np.where(u[4] < recipe.flip, -1, 1)
        across = _places(x, self.size or width, wide * flip, (2 * u[2] - 1) * (1 - wide))
        down = _places(x, self.size or height, high, (2 * u[3] - 1) * (1 - high))
        shape = (len(x), down.shape[1], across.shape[1])
        grid = torch.stack([across[:, None, :].expand(shape), down[:, :, None].expand(shape)], dim=-1)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _places(like: Tensor, pixels: int, scale: np.ndarray, centre: np.ndarray) -> Tensor:
    """Where each pixel of a cropped axis lies in the image's coordinates, [−1, 1]; (N, pixels)."""
    unit = (2 * np.arange(pixels) + 1) / pixels - 1
    return _on(like, scale[:, None] * unit + centre[:, None])


def _pixels(x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
    for name, rgb_only, coin, step in _STEPS:
        pick = np.flatnonzero(u[coin] < getattr(recipe, name))
        if len(pick) and (x.shape[1] == 3 or not rgb_only):
            index = torch.from_numpy(pick).to(x.device)
            x = x.index_copy(0, index, step(x[index], recipe, u[:, pick]))
    return x.clamp(0, 1)


def _jitter(x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
    from kornia import enhance

    strengths = (recipe.brightness, recipe.contrast, recipe.saturation)
    bright, contrast, saturation = (_on(x, 1 + s * (2 * u[k] - 1)) for k, s in enumerate(strengths, start=6))
    x = (x * bright.view(-1, 1, 1, 1)).clamp(0, 1)
    if x.shape[1] == 1:
        return torch.lerp(x.mean(dim=(1, 2, 3), keepdim=True), x, contrast.view(-1, 1, 1, 1)).clamp(0, 1)
    x = enhance.adjust_contrast_with_mean_subtraction(x, contrast)
    x = enhance.adjust_saturation_with_gray_subtraction(x, saturation)
    return enhance.adjust_hue(x, _on(x, 2 * math.pi * recipe.hue * (2 * u[9] - 1)))


def _grey(x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
    from kornia.color import rgb_to_grayscale

    return rgb_to_grayscale(x).expand(-1, 3, -1, -1)


def _blur(x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
    from kornia.filters import gaussian_blur2d

    kernel = max(3, min(x.shape[2:]) // 10 | 1)
    sigma = _on(x, _between(recipe.sigma, u[12]))
    return gaussian_blur2d(x, (kernel, kernel), sigma[:, None].expand(-1, 2))


def _solarize(x: Tensor, recipe: Recipe, u: np.ndarray) -> Tensor:
    return torch.where(x >= 0.5, 1 - x, x)


_STEPS: tuple[tuple[str, bool, int, Callable[[Tensor, Recipe, np.ndarray], Tensor]], ...] = (
    ("jitter", False, 5, _jitter),  # field of the recipe, RGB only, which draw decides, what it does
    ("grey", True, 10, _grey),
    ("blur", False, 11, _blur),
    ("solarize", False, 13, _solarize),
)


def _between(span: tuple[float, float], u: np.ndarray) -> np.ndarray:
    return span[0] + (span[1] - span[0]) * u


def _on(like: Tensor, values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(like)
