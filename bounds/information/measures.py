"""Label-free measures of representations as pure functions, each by its paper's definition."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.information.pairwise import BLOCK, exponential_, half_square_blocks
from bounds.information.rows import as_pair, as_rows, row_chunks, unit_rows
from bounds.processes import Processes
from bounds.summaries.covariance import Covariance


def exp_entropy(values: Tensor, epsilon: float = 0.0) -> float:
    """exp(-sum p ln p), p = values / sum(values) + epsilon, with 0 ln 0 = 0.

    Raises:
        InvalidData: all values zero.
    """
    values = values.double().clamp(min=0)
    total = float(values.sum())
    if total == 0:
        raise InvalidData("The spectrum is zero, so it has no effective rank; the encoder collapsed.")
    p = values / total + epsilon
    return float(torch.exp(-torch.special.xlogy(p, p).sum()))


def singular_values(data: Any, rows: int = 8192) -> Tensor:
    """Singular values of the raw, uncentred (N, d) matrix, largest first, through a streamed QR."""
    whole = as_rows(data)
    triangle = torch.zeros(0, whole.shape[1], dtype=torch.float64, device=whole.device)
    for part in row_chunks(whole, rows):
        triangle = torch.linalg.qr(torch.cat([triangle, part.double()]), mode="r").R
    values: Tensor = torch.linalg.svdvals(triangle)
    return values


def rank_me(data: Any, *, epsilon: float = 1e-7) -> float:
    """RankMe: exp of the entropy of p_k = s_k / |s|_1 + epsilon, s the singular values of the raw matrix Z.

    Not of the centred matrix, and not of squared singular values: those are other numbers.

    Reference:
        Garrido, Balestriero, Najman & LeCun, ICML 2023 (arXiv:2210.02885), epsilon = 1e-7.
    """
    return exp_entropy(singular_values(data), epsilon)


def effective_rank(eigenvalues: Tensor) -> float:
    """Exp of the entropy of the normalised eigenvalues of a covariance (Roy & Vetterli 2007)."""
    return exp_entropy(eigenvalues)


def participation_ratio(eigenvalues: Tensor) -> float:
    """(sum lambda)^2 / sum lambda^2 of a covariance spectrum."""
    values = eigenvalues.double().clamp(min=0)
    return float(values.sum() ** 2 / values.square().sum())


class PowerLaw(NamedTuple):
    """A line fitted to ln lambda against ln rank.

    Attributes:
        alpha: Minus the slope; alpha-ReQ.
        first: First rank of the fit (from 1).
        last: Last rank of the fit.
        r_squared: Of the fit; far below one, alpha describes nothing.
    """

    alpha: float
    first: int
    last: int
    r_squared: float


def alpha_req(eigenvalues: Tensor, *, first: int = 1, last: int | None = None) -> PowerLaw:
    """Decay alpha of lambda_i ~ i^(-alpha): least squares on logarithms over ranks first..last.

    Args:
        eigenvalues: Of the centred covariance, any order.
        first: First rank, from 1; a larger one skips the leading directions.
        last: Last rank; by default the numerical rank (eigenvalues above d eps lambda_1).

    Raises:
        InvalidOption: fewer than three ranks with positive eigenvalues in the range.

    Reference:
        Agrawal, Mondal, Ghosh & Richards, NeurIPS 2022. The range decides the number, so it comes with it.
    """
    values = eigenvalues.double().sort(descending=True).values
    floor = len(values) * torch.finfo(torch.float64).eps * values[0]
    rank = int((values > floor).sum())
    end = rank if last is None else min(last, rank)
    if first < 1 or end - first < 2:
        raise InvalidOption(
            f"A power law needs three positive eigenvalues in ranks {first}..{end}; the rank is {rank}."
        )
    x = torch.arange(first, end + 1, dtype=torch.float64, device=values.device).log()
    y = values[first - 1 : end].log()
    dx, dy = x - x.mean(), y - y.mean()
    slope = float((dx @ dy) / (dx @ dx))
    spread = float(dy @ dy)
    r_squared = slope**2 * float(dx @ dx) / spread if spread > 0 else 1.0
    return PowerLaw(-slope, first, end, r_squared)


def lidar(data: Any, *, delta: float = 1e-4, epsilon: float = 1e-8, rows: int = 8192) -> float:
    """LiDAR: exp entropy of p_i = lambda_i / |lambda|_1 + epsilon, lambda of S_w^(-1/2) S_b S_w^(-1/2).

    Each item is a class and its two views the members: S_b = mean (mu_i - mu)(mu_i - mu)^T over items,
    S_w = mean (z - mu_i)(z - mu_i)^T over items and views, plus delta I. On the raw embeddings, not after a
    PCA. Two views an item are few: compare encoders at one n and one number of views.

    Args:
        data: Two views.
        delta: Ridge of S_w, in squared units of the embedding: LiDAR depends on their scale through it.
        epsilon: Added to each p.
        rows: Rows in memory at a time.

    Raises:
        InvalidOption: `delta` not positive.

    Reference:
        Thilak et al., ICLR 2024 (arXiv:2312.04000). `delta` and `epsilon` default to what a public
        implementation uses; they and the plain averages (divisors n, 2n) were not checked against the paper.
    """
    if not delta > 0:
        raise InvalidOption(f"`delta` must be positive, got {delta}.")
    first, second = as_pair(data)
    n, d = first.shape
    within = torch.zeros(d, d, dtype=torch.float64, device=first.device)
    means = []
    for a, b in zip(row_chunks(first, rows), row_chunks(second, rows), strict=True):
        half = 0.5 * (a.double() - b.double())
        within += half.T @ half / n
        means.append(Covariance.from_rows(0.5 * (a.double() + b.double())))
    summary = means[0]
    for other in means[1:]:
        summary = summary.merge(other)
    factor = torch.linalg.cholesky(within + delta * torch.eye(d, dtype=within.dtype, device=within.device))
    # L^-1 S_b L^-T has the eigenvalues of S_w^(-1/2) S_b S_w^(-1/2).
    half_done = torch.linalg.solve_triangular(factor, summary.matrix(unbiased=False), upper=False)
    matrix = torch.linalg.solve_triangular(factor, half_done.T, upper=False)
    return exp_entropy(torch.linalg.eigvalsh(0.5 * (matrix + matrix.T)), epsilon)


def uniformity(data: Any, *, t: float = 2.0, block: int = BLOCK, distributed: bool = False) -> float:
    """Uniformity: ln mean_{i<j} exp(-t |z_i - z_j|^2) of the l2-normalised rows; lower is more uniform.

    With `distributed`, every process of the torch.distributed group makes this same call and they share the blocks.

    Reference:
        Wang & Isola, ICML 2020 (arXiv:2005.10242), L_uniform with t = 2.
    """
    rows = unit_rows(as_rows(data, least=2))
    n, processes = len(rows), Processes.chosen(distributed)

    def own() -> tuple[Tensor, ...]:
        total = torch.zeros((), dtype=torch.float64, device=rows.device)
        for _, _, values in half_square_blocks(rows, block, processes=processes):
            total += exponential_(values.mul_(2 * t)).sum(dim=1).sum(dtype=torch.float64)
        return (total,)

    (total,) = all_sum(processes, "summing over pairs", own)
    return math.log((float(total) - n) / (n * (n - 1)))


def alignment(data: Any, *, power: float = 2.0) -> float:
    """Alignment: mean |z_i - z'_i|^power of the l2-normalised views (Wang & Isola 2020); lower is closer."""
    first, second = as_pair(data)
    gap = unit_rows(first.double()) - unit_rows(second.double())
    return float(torch.linalg.vector_norm(gap, dim=1).pow(power).mean())
