"""D'Agostino-Pearson normality of an encoder's outputs under Gaussian perturbations of its input."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.information.affine import evaluate, frozen
from bounds.information.multiple_testing import Correction, adjust

if TYPE_CHECKING:
    import pandas as pd

LEAST = 20


@dataclass(frozen=True)
class NormalityTest:
    """K^2 test of each column.

    Attributes:
        statistic: K^2 = Z(skewness)^2 + Z(kurtosis)^2, about chi-squared with two degrees of freedom, (...,
            d).
        p_value: exp(-K^2 / 2), (..., d); 1 where constant.
        constant: Columns without variation (dead units), (..., d): not tested, K^2 = 0.

    Example:
        >>> import torch
        >>> from bounds.information import normality_test
        >>> found = normality_test(torch.zeros(30, 2))
        >>> found.constant.tolist(), found.p_value.tolist()  # dead units are not tested
        ([True, True], [1.0, 1.0])
    """

    statistic: Tensor
    p_value: Tensor
    constant: Tensor


def normality_test(samples: Tensor) -> NormalityTest:
    """D'Agostino-Pearson omnibus test of each column of (..., samples, d), in float64.

    A column counts as constant when it varies by no more than a few spacings of its own numbers in their own type,
    where skewness and kurtosis would only describe rounding.

    Raises:
        InvalidData: NaN or infinity, or fewer than 20 samples, where the kurtosis approximation is not
            usable.

    Reference:
        D'Agostino 1970 (skewness); Anscombe & Glynn 1983 (kurtosis); D'Agostino & Pearson 1973 (the sum).

    Example:
        >>> import torch
        >>> from bounds.information import normality_test
        >>> normal = torch.randn(2000, 1, generator=torch.Generator().manual_seed(1))
        >>> p_values = normality_test(torch.cat([normal, normal.exp()], 1)).p_value
        >>> (p_values > 0.05).tolist()
        [True, False]
    """
    if samples.ndim < 2 or samples.shape[-2] < LEAST:
        raise InvalidData(
            f"`samples` must be (..., n, d) with n >= {LEAST}, got shape {tuple(samples.shape)}."
        )
    x = samples.double()
    if not bool(torch.isfinite(x).all()):
        raise InvalidData("`samples` holds NaN or infinity; check the encoder and the scale of its inputs.")
    n = x.shape[-2]
    spacing = torch.finfo(samples.dtype).eps if samples.is_floating_point() else 0.0
    size = x.abs().amax(dim=-2)
    centred = x - x.mean(dim=-2, keepdim=True)
    largest = centred.abs().amax(dim=-2, keepdim=True)
    centred = centred / torch.where(largest > 0, largest, torch.ones_like(largest))  # squares stay numbers
    second = centred.square().mean(dim=-2)
    constant = x.amax(dim=-2) - x.amin(dim=-2) <= 4 * spacing * size
    standard = centred / torch.where(constant, torch.ones_like(second), second).sqrt().unsqueeze(-2)
    skewness = (standard.square() * standard).mean(dim=-2)
    kurtosis = standard.square().square_().mean(dim=-2)
    statistic = _skew_score(skewness, n).square() + _kurtosis_score(kurtosis, n).square()
    statistic = statistic.masked_fill(constant, 0.0)
    return NormalityTest(statistic, torch.exp(-0.5 * statistic), constant)


def _skew_score(skewness: Tensor, n: int) -> Tensor:
    """D'Agostino's transform: a Johnson S_U fit to the null distribution of the skewness."""
    y = skewness * math.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = math.sqrt(2 * (beta - 1)) - 1
    return torch.asinh(y / math.sqrt(2 / (w2 - 1))) / math.sqrt(0.5 * math.log(w2))


def _kurtosis_score(kurtosis: Tensor, n: int) -> Tensor:
    """Anscombe and Glynn's transform: the cube root of a chi-squared fit to the null of the kurtosis."""
    mean = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis - mean) / math.sqrt(variance)
    beta = (
        6
        * (n**2 - 5 * n + 2)
        / ((n + 7) * (n + 9))
        * math.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    )
    a = 6 + 8 / beta * (2 / beta + math.sqrt(1 + 4 / beta**2))
    ratio = (1 - 2 / a) / (1 + x * math.sqrt(2 / (a - 4)))
    root = ratio.abs().pow(1 / 3).copysign(ratio)
    return (1 - 2 / (9 * a) - root) / math.sqrt(2 / (9 * a))


@dataclass(frozen=True)
class NormalityRow:
    """One image at one noise level.

    Attributes:
        noise: Standard deviation of the input noise, in the unit of the inputs.
        image: Row of the images.
        tested: Output dimensions that vary.
        constant: Output dimensions that do not (dead units).
        median_p: Median p-value over tested dimensions (1/2 if the outputs are Gaussian).
        rejected: Share of tested dimensions rejected at alpha one by one (alpha if Gaussian).
        rejected_adjusted: Share rejected after the correction over dimensions.
        pooled_p: Smallest Holm-adjusted p-value: valid for "every dimension is Gaussian" under any
            dependence.
        rejected_image: Whether `pooled_p`, corrected over the images of the level, is at most alpha.
    """

    noise: float
    image: int
    tested: int
    constant: int
    median_p: float
    rejected: float
    rejected_adjusted: float
    pooled_p: float
    rejected_image: bool


@dataclass(frozen=True)
class NormalityTable:
    """Rows by noise level and image.

    Attributes:
        rows: One per (noise, image).
        samples: Perturbations per image and level.
        alpha: Level of the tests.
        correction: Over dimensions, and over images.

    Example:
        >>> import torch
        >>> from bounds.information import normality_under_noise
        >>> table = normality_under_noise(torch.relu, torch.ones(2, 3), levels=[0.1, 2.0])
        >>> [(row.noise, row.image) for row in table.rows]
        [(0.1, 0), (0.1, 1), (2.0, 0), (2.0, 1)]
    """

    rows: tuple[NormalityRow, ...]
    samples: int
    alpha: float
    correction: Correction

    def to_frame(self) -> pd.DataFrame:
        """One row per (noise, image)."""
        import pandas as pd

        return pd.DataFrame([vars(row) for row in self.rows])

    def summary(self) -> pd.DataFrame:
        """By noise level: mean over images of each share and p-value, and the share of images rejected."""
        return self.to_frame().drop(columns="image").astype(float).groupby("noise", as_index=False).mean()


def normality_under_noise(
    encoder: Callable[[Tensor], Tensor],
    images: Tensor,
    levels: Iterable[float],
    *,
    samples: int = 512,
    alpha: float = 0.05,
    correction: Correction = "holm",
    seed: int = 0,
    batch: int = 256,
) -> NormalityTable:
    """Is f(x + noise) Gaussian? The paper's check that the encoder is affine around each image.

    Each image gets `samples` perturbations N(0, s^2 I), the same draws at every level, so that levels differ
    by scale only. A piecewise-affine encoder gives exactly Gaussian outputs while s stays inside the region,
    whatever the covariance; p-values fall as the noise crosses region borders.

    Args:
        encoder: Module in eval mode or function of batches.
        images: (N, ...), in the unit that the encoder takes (the noise is added there; nothing is clipped).
        levels: Standard deviations s > 0.
        samples: Perturbations per image, at least 20.
        alpha: Level of each test, in (0, 1).
        correction: `holm` or `benjamini-hochberg`.
        seed: Of the perturbations.
        batch: Images per encoder call.

    Raises:
        InvalidOption: levels that are not positive, alpha outside (0, 1), an encoder in training mode.
        InvalidData: too few samples, or NaN from the encoder.

    Example:
        >>> import torch
        >>> from bounds.information import normality_under_noise
        >>> table = normality_under_noise(torch.relu, torch.ones(1, 3), levels=[0.1, 2.0], seed=1)
        >>> [row.rejected for row in table.rows]  # share of the dimensions: the second level crosses the kinks
        [0.0, 1.0]
    """
    frozen(encoder)
    scales = [float(level) for level in levels]
    if not scales or not all(0 < level < math.inf for level in scales) or not 0 < alpha < 1:
        raise InvalidOption(f"`levels` must be positive and `alpha` in (0, 1), got {scales} and {alpha}.")
    if samples < LEAST or images.ndim < 2 or len(images) == 0:
        raise InvalidData(
            f"Needs at least {LEAST} samples and one image (N, ...), got {samples} and {tuple(images.shape)}."
        )
    pending: dict[float, list[NormalityRow]] = {level: [] for level in scales}
    for index, image in enumerate(images):
        generator = torch.Generator().manual_seed(seed + index)
        noise = torch.randn(samples, *image.shape, generator=generator, dtype=torch.float32).to(image)
        for level in scales:
            outputs = evaluate(encoder, image + level * noise, batch)
            pending[level].append(_row(level, index, normality_test(outputs), alpha, correction))
    return NormalityTable(
        tuple(row for level in scales for row in _judge_images(pending[level], alpha, correction)),
        samples,
        alpha,
        correction,
    )


def _row(level: float, index: int, test: NormalityTest, alpha: float, correction: Correction) -> NormalityRow:
    """Summary of one image; where the encoder is constant nothing can be tested: p = 1."""
    tested = ~test.constant
    p = test.p_value[tested]
    if len(p) == 0:
        return NormalityRow(level, index, 0, len(tested), 1.0, 0.0, 0.0, 1.0, False)
    adjusted = adjust(p, correction)
    return NormalityRow(
        level,
        index,
        len(p),
        len(tested) - len(p),
        float(p.quantile(0.5)),  # of an even number, the middle of two
        float((p <= alpha).double().mean()),
        float((adjusted <= alpha).double().mean()),
        min(1.0, float(p.min()) * len(p)),
        False,
    )


def _judge_images(rows: list[NormalityRow], alpha: float, correction: Correction) -> list[NormalityRow]:
    adjusted = adjust(torch.tensor([row.pooled_p for row in rows], dtype=torch.float64), correction)
    return [
        NormalityRow(**{**vars(row), "rejected_image": bool(p <= alpha)})
        for row, p in zip(rows, adjusted, strict=True)
    ]
