"""Pairwise bounds on the entropy of a Gaussian mixture (Kolchinsky & Tracey 2017), blocked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.information.pairwise import BLOCK, exponential_, half_square_blocks, product_blocks
from bounds.information.records import Entropy, EntropyBounds
from bounds.information.rows import as_rows
from bounds.processes import Processes
from bounds.summaries.weights import sums_to_one

LOG_2PIE = math.log(2 * math.pi * math.e)
NOTE = "holds for this mixture; tight where components are far apart or coincide"
LOWER, UPPER = 0, 1
Affinities = Iterator[tuple[int, slice, slice, Tensor]]


def mixture_entropy(
    means: Any, covariance: Any, weights: Any = None, *, block: int = BLOCK, distributed: bool = False
) -> EntropyBounds:
    r"""Lower and upper bounds on the entropy of sum_i w_i N(mu_i, Sigma_i), in nats.

    .. math:: \hat H_D = \sum_i w_i H(p_i) - \sum_i w_i \ln \sum_j w_j e^{-D(p_i \| p_j)},

    an upper bound with D the Kullback-Leibler divergence and a lower bound with the Bhattacharyya distance
    -ln int sqrt(p_i p_j) (Chernoff with alpha = 1/2). As D(p_i||p_i) = 0, each inner sum lies in [w_i, 1]:
    nothing overflows and no maximum is needed. Time m^2 d (m^2 d^3 with full covariances); memory block^2. In float64.

    Args:
        means: (m, d).
        covariance: One variance (all components isotropic and alike), (m,) variances, or (m, d, d) matrices.
        weights: (m,), non-negative, summing to one; uniform by default.
        block: Components on a side of a block.
        distributed: Every process of the torch.distributed group makes this same call and they share the blocks.

    Raises:
        InvalidData: shapes that do not fit, weights that are no distribution.
        InvalidOption: a variance that is not positive, or a matrix that is not positive definite (singular
            ones have no density: restrict to their common support, or add a ridge).

    Reference:
        Kolchinsky & Tracey, "Estimating Mixture Entropy with Pairwise Distances", Entropy 19(7), 2017.

    Example:
        >>> import torch
        >>> from bounds.information import mixture_entropy
        >>> found = mixture_entropy(torch.tensor([[0.0], [100.0]]), 1.0)
        >>> round(found.lower.value, 3), round(found.upper.value, 3)  # (1/2) ln(2πe) + ln 2
        (2.112, 2.112)
    """
    centres = as_rows(means, "means")
    m, d = centres.shape
    w = _weights(weights, m, centres)
    scale = torch.as_tensor(covariance, dtype=torch.float64, device=centres.device)
    if scale.shape not in ((), (m,), (m, d, d)):
        raise InvalidData(
            f"`covariance` must be a number, ({m},) or ({m}, {d}, {d}), got shape {tuple(scale.shape)}."
        )
    if scale.ndim < 3 and not bool(((scale > 0) & torch.isfinite(scale)).all()):
        raise InvalidOption("Every variance in `covariance` must be positive and finite.")
    affinities: Callable[[Processes], Affinities]
    if scale.ndim == 0:
        within = 0.5 * d * (LOG_2PIE + math.log(float(scale)))
        affinities = partial(_shared, centres, float(scale), block)
    elif scale.ndim == 1:
        within = float(w @ (0.5 * d * (LOG_2PIE + scale.log())))
        affinities = partial(_isotropic, centres, scale, block)
    else:
        factors = _cholesky(scale)
        half_log_det = factors.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        within = float(w @ (half_log_det + 0.5 * d * LOG_2PIE))
        affinities = partial(_full, centres.double(), scale, factors, half_log_det, block)
    processes = Processes.chosen(distributed)

    def own() -> tuple[Tensor, ...]:
        overlap = torch.zeros(2, m, dtype=torch.float64, device=centres.device)
        for side, rows, columns, affinity in affinities(processes):
            overlap[side, rows] += affinity @ w[columns].to(affinity)
        return (overlap,)

    (overlap,) = all_sum(processes, "summing over components", own)
    # Rounding must not push the inner sums outside [w_i, 1].
    overlap = torch.minimum(torch.maximum(overlap, w), torch.ones_like(overlap))
    lower, upper = (within - float(w @ row.log().masked_fill(w == 0, 0)) for row in overlap)
    return EntropyBounds(
        Entropy(lower, "lower", "Kolchinsky-Tracey, Bhattacharyya", NOTE, m, d),
        Entropy(upper, "upper", "Kolchinsky-Tracey, Kullback-Leibler", NOTE, m, d),
    )


def _weights(weights: Any, m: int, like: Tensor) -> Tensor:
    if weights is None:
        return torch.full((m,), 1 / m, dtype=torch.float64, device=like.device)
    given = torch.as_tensor(weights, device=like.device)
    if given.shape != (m,) or not sums_to_one(given):
        raise InvalidData(f"`weights` must be {m} non-negative numbers that sum to one.")
    w = given.double()
    return w / w.sum()


def _cholesky(matrices: Tensor) -> Tensor:
    factors: Tensor
    factors, failed = torch.linalg.cholesky_ex(matrices)
    if bool(failed.any()):
        row = int(failed.nonzero()[0, 0])
        raise InvalidOption(f"`covariance` of component {row} is not positive definite; add a ridge to it.")
    return factors


def _shared(centres: Tensor, variance: float, block: int, processes: Processes) -> Affinities:
    """KL = |delta|^2 / (2 v) and BD = KL / 4, so one exponential serves both."""
    # Divided only when centred: a large offset would take its rounding along.
    scaled = (centres.double() - centres.double().mean(dim=0)) / math.sqrt(4 * variance)
    for rows, columns, values in half_square_blocks(scaled, block, processes=processes):
        yield LOWER, rows, columns, exponential_(values)
        yield UPPER, rows, columns, values.square_().square_()


def _isotropic(centres: Tensor, v: Tensor, block: int, processes: Processes) -> Affinities:
    """The two divergences with variances v_i, v_j.

    KL = (d (r - 1 - ln r) + |delta|^2 / v_j) / 2, r = v_i / v_j;
    BD = |delta|^2 / (4 (v_i + v_j)) + (d/2) ln((v_i + v_j) / (2 sqrt(v_i v_j))).
    """
    d = centres.shape[1]
    for rows, columns, values in half_square_blocks(centres, block, processes=processes):
        vi, vj = v[rows, None], v[None, columns]
        ratio = vi / vj
        kullback = values / vj - 0.5 * d * (ratio - 1 - ratio.log())
        bhattacharyya = values / (2 * (vi + vj)) - 0.5 * d * (
            (vi + vj).log() - 0.5 * (vi.log() + vj.log()) - math.log(2)
        )
        yield LOWER, rows, columns, exponential_(bhattacharyya)
        yield UPPER, rows, columns, exponential_(kullback)


def _full(
    x: Tensor, sigma: Tensor, factors: Tensor, half_log_det: Tensor, block: int, processes: Processes
) -> Affinities:
    """KL by a product for the traces, tr(P_j S_i), and by differences for the means; BD by a factor per pair."""
    m, d = x.shape
    precision = torch.cholesky_inverse(factors)
    one = torch.ones(m, 1, dtype=x.dtype, device=x.device)
    left = torch.cat([sigma.flatten(1) * -0.5, (half_log_det + 0.5 * d)[:, None], one], dim=1)
    right = torch.cat([precision.flatten(1), one, -half_log_det[:, None]], dim=1)
    side = max(1, min(block, math.isqrt(2**24 // d**2)))
    for rows, columns, kullback in product_blocks(left, right, side, processes=processes):
        middle = torch.linalg.cholesky(0.5 * (sigma[rows, None] + sigma[None, columns]))
        delta = x[rows, None] - x[None, columns]
        pulled = torch.linalg.solve_triangular(factors[None, columns], delta[..., None], upper=False)[..., 0]
        kullback.sub_(0.5 * pulled.square().sum(dim=2))
        solved = torch.linalg.solve_triangular(middle, delta[..., None], upper=False)[..., 0]
        middle_log = middle.diagonal(dim1=2, dim2=3).log().sum(dim=2)
        mean_log = 0.5 * (half_log_det[rows, None] + half_log_det[None, columns])
        bhattacharyya = -0.125 * solved.square().sum(dim=2) - (middle_log - mean_log)
        yield LOWER, rows, columns, exponential_(bhattacharyya)
        yield UPPER, rows, columns, exponential_(kullback.clamp_(max=0))
