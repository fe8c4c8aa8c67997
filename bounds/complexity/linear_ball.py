r"""Linear maps of bounded norm seen through ||t_i - W z_i||: contraction from above, search from below.

The functions W -> ||t_i - W z_i|| are 1-Lipschitz in W z_i, so with independent signs Xi in {+-1}^{K x m}

    E sup_W sum_i xi_i ||t_i - W z_i|| <= sqrt(2) E sup_W <W, Xi Z> = sqrt(2) beta E ||Xi Z||_dual

(Maurer 2016)

and, through E|g| = sqrt(2/pi) and Sudakov-Fernique, <= sqrt(pi/2) beta E ||G Z||_dual with Gaussians G. Rows
of Z are the z_i; the dual norm is Frobenius for a Frobenius ball and nuclear for a spectral ball.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.complexity.record import Estimate
from bounds.complexity.sampling import Sampling, deviation
from bounds.complexity.signs import signs
from bounds.errors import InvalidOption

Norm = Literal["frobenius", "spectral"]
Contraction = Literal["maurer", "gaussian"]
# This process's blocks: numbers of the rows, z, t.
Blocks = Callable[[], Iterator[tuple[range, Tensor, Tensor | None]]]
_MAX_SUMS = 1 << 23
_DRAW_BLOCK = 2048


@dataclass(frozen=True)
class LinearBall:
    """{W in R^(outputs x d) : ||W|| <= beta}.

    Raises:
        InvalidOption: beta, outputs, norm or contraction out of range.
    """

    beta: float
    outputs: int
    norm: Norm = "frobenius"
    contraction: Contraction = "maurer"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.beta) and self.beta > 0):
            raise InvalidOption(f"`beta` must be positive and finite, got {self.beta}.")
        if self.outputs < 1:
            raise InvalidOption(f"The number of outputs must be at least 1, got {self.outputs}.")
        if self.norm not in ("frobenius", "spectral"):
            raise InvalidOption(f"`norm` must be 'frobenius' or 'spectral', got {shown(self.norm)}.")
        if self.contraction not in ("maurer", "gaussian"):
            raise InvalidOption(
                f"`contraction` must be 'maurer' or 'gaussian', got {shown(self.contraction)}."
            )

    @property
    def constant(self) -> float:
        """sqrt(2) for signs, sqrt(pi/2) for Gaussians."""
        return math.sqrt(2.0) if self.contraction == "maurer" else math.sqrt(math.pi / 2)

    def closed_form(self, mean_square: float, mean_nuclear: float | None = None) -> float:
        r"""Bound of the contraction without draws.

        Jensen, from E (Xi Z)^T (Xi Z) = K Z^T Z and E (Xi Z)(Xi Z)^T = ||Z||_F^2 I.

        Args:
            mean_square: (1/m) sum ||z_i||^2, or a bound of it.
            mean_nuclear: ||Z||_* / sqrt(m), used by the spectral ball.

        Returns:
            Frobenius: constant beta sqrt(K mean_square).
            Spectral: constant beta min(sqrt(K) ||Z||_*, K ||Z||_F) / sqrt(m).
        """
        scale = self.constant * self.beta
        if self.norm == "frobenius":
            return scale * math.sqrt(self.outputs * mean_square)
        plain = self.outputs * math.sqrt(mean_square)
        return scale * (plain if mean_nuclear is None else min(math.sqrt(self.outputs) * mean_nuclear, plain))


@dataclass(frozen=True)
class Contracted:
    """The contraction bound of a ball on data: closed form, Monte Carlo, and the paid Monte-Carlo limit."""

    closed: float
    estimate: Estimate
    limit: float | None
    mean_square: float


def contract(blocks: Blocks, ball: LinearBall, m: int, dim: int, sampling: Sampling) -> Contracted:
    r"""Evaluate the contraction bound.

    Concentration of one draw F = ||Xi Z||, in units of constant beta / sqrt(m): McDiarmid gives
    exp(-t^2 / (2 K ||Z||_F^2)), convexity (Samson 2000, Corollary 3) exp(-t^2 / (8 L^2)), Gaussians
    exp(-t^2 / (2 L^2)), L the largest singular value (Frobenius) or the root of the sum of the K largest
    squares (nuclear), at most ||Z||_F. With a Frobenius ball Var F^2 <= 2 K ||Z||_F^4, so by Hoelder
    closed / sqrt(1 + 2/K) <= E F <= closed, which limits interval and value.
    """
    gram = ball.norm == "spectral" or ball.contraction == "gaussian"
    singular = _singular_values(blocks, dim, sampling) if gram else None
    if ball.contraction == "gaussian" and singular is not None:
        norms, rounding, trace = (
            _gaussian_norms(singular, ball, sampling),
            0.0,
            float(singular.square().sum()),
        )
    else:
        norms, rounding, trace = _sign_norms(blocks, ball, m, dim, sampling)
    scale = ball.constant * ball.beta / math.sqrt(m)
    mean_square = trace / m
    nuclear = None if singular is None else _rounded_up_sum(singular) / math.sqrt(m)
    closed = ball.closed_form(mean_square, nuclear)
    value = scale * float(norms.mean())
    lipschitz = trace if singular is None else _squared_lipschitz(singular, ball)
    proxy = 2 * lipschitz if ball.contraction == "gaussian" else min(8 * lipschitz, 2 * ball.outputs * trace)
    floor = closed / math.sqrt(1 + 2 / ball.outputs) if ball.norm == "frobenius" else 0.0

    def half(failure: float) -> float:
        return scale * (deviation(proxy, failure, sampling.draws) + rounding)

    width = half((1 - sampling.level) / 2)
    low = max(floor, value - width)
    high = max(low, min(closed, value + width))
    estimate = Estimate(
        min(max(value, low), high), low, high, sampling.level, sampling.draws,
        "the contraction bound",
    )  # fmt: skip
    limit = None if sampling.delta is None else min(closed, value + half(sampling.delta))
    return Contracted(closed, estimate, limit, mean_square)


def _squared_lipschitz(singular: Tensor, ball: LinearBall) -> float:
    kept = 1 if ball.norm == "frobenius" else ball.outputs
    return float(singular[:kept].square().sum())


def _rounded_up_sum(singular: Tensor) -> float:
    """The nuclear norm, each eigenvalue of the Gram matrix raised by what rounding may have taken from it."""
    slack = 4 * len(singular) * torch.finfo(torch.float64).eps * singular[0].square()
    return float((singular.square() + slack).sqrt().sum())


def _singular_values(blocks: Blocks, dim: int, sampling: Sampling) -> Tensor:
    """Singular values of Z from its Gram matrix, largest first."""

    def own() -> tuple[Tensor, ...]:
        gram = torch.zeros(dim, dim, dtype=torch.float64, device=sampling.device)
        for _, z, _ in blocks():
            gram += z.T @ z
        return (gram,)

    (gram,) = sampling.total(own)
    values: Tensor = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt().flip(0)
    return values


def _norms(sums: Tensor, norm: Norm) -> Tensor:
    """Dual norms of (T, K, d) stacked sums."""
    return sums.square().sum((1, 2)).sqrt() if norm == "frobenius" else torch.linalg.svdvals(sums).sum(1)


def _gaussian_norms(singular: Tensor, ball: LinearBall, sampling: Sampling) -> Tensor:
    """G Z has the law of G' diag(singular values), so m does not enter."""
    generator = torch.Generator().manual_seed(sampling.seed)
    norms = []
    for _ in range(sampling.draws):
        draw = torch.randn(ball.outputs, len(singular), dtype=torch.float64, generator=generator)
        norms.append(_norms((draw.to(singular.device) * singular)[None], ball.norm))
    return torch.cat(norms)


def _sign_norms(
    blocks: Blocks, ball: LinearBall, m: int, dim: int, sampling: Sampling
) -> tuple[Tensor, float, float]:
    r"""||Xi_t Z|| for each draw, a bound of what float32 products may have changed it by, and ||Z||_F^2.

    A block of b rows is summed in float32, blocks in float64: whatever the order of summation each entry is
    off by at most gamma sum_i |z_ij|, gamma = (b+1) u / (1 - (b+1) u), u = 2^-24, so ||Xi Z||_F by gamma
    sqrt(K) ||sum_i |z_i| ||_2 <= gamma sqrt(K m) ||Z||_F, times sqrt(min(K, d)) for the nuclear norm.
    """
    outputs, dtype = ball.outputs, sampling.dtype
    group = max(1, _MAX_SUMS // (outputs * dim))
    norms, trace = [], 0.0
    for first in range(0, sampling.draws, group):
        draws = min(group, sampling.draws - first)

        def own(first: int = first, draws: int = draws) -> tuple[Tensor, ...]:
            sums = torch.zeros(draws * outputs, dim, dtype=torch.float64, device=sampling.device)
            squares = torch.zeros((), dtype=torch.float64, device=sampling.device)
            for rows, z, _ in blocks():
                z_low = z.to(dtype)
                for low in range(0, len(sums), _DRAW_BLOCK):
                    high = min(low + _DRAW_BLOCK, len(sums))
                    span = range(first * outputs + low, first * outputs + high)
                    sums[low:high] += signs(sampling.seed, rows, span, sampling.device, dtype).T @ z_low
                squares += torch.dot(z.flatten(), z.flatten())
            return sums, squares

        sums, squares = sampling.total(own)
        norms.append(_norms(sums.reshape(draws, outputs, dim), ball.norm))
        trace = float(squares)
    if dtype == torch.float64:
        return torch.cat(norms), 0.0, trace
    gamma = (min(m, sampling.rows) + 1) * 2.0**-24
    gamma /= 1 - gamma
    rank = min(outputs, dim) if ball.norm == "spectral" else 1
    return torch.cat(norms), gamma * math.sqrt(outputs * rank * m * trace), trace
