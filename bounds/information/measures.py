"""Label-free measures of representations as pure functions, each by its paper's definition."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.information.pairwise import BLOCK, half_square_blocks
from bounds.information.rows import as_pair, as_rows, row_chunks, unit_rows
from bounds.processes import Processes
from bounds.summaries.geometry import Geometry
from bounds.summaries.units import moderate_unit

_DECADE = 80.0  # exponents kept in one sum


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

    Args:
        data: Z, (N, d).
        epsilon: Added to each p_k.

    Reference:
        Garrido, Balestriero, Najman & LeCun, ICML 2023 (arXiv:2210.02885), epsilon = 1e-7.

    Example:
        >>> import torch
        >>> from bounds.information import rank_me
        >>> round(rank_me(torch.eye(3)), 3)
        3.0
    """
    return exp_entropy(singular_values(data), epsilon)


def effective_rank(eigenvalues: Tensor) -> float:
    """Exp of the entropy of the normalised eigenvalues of a covariance (Roy & Vetterli 2007).

    Example:
        >>> import torch
        >>> from bounds.information import effective_rank
        >>> round(effective_rank(torch.tensor([1.0, 1.0, 0.0])), 3)
        2.0
    """
    return exp_entropy(eigenvalues)


def participation_ratio(eigenvalues: Tensor) -> float:
    """(sum lambda)^2 / sum lambda^2 of a covariance spectrum.

    Args:
        eigenvalues: lambda, (d,).

    Example:
        >>> import torch
        >>> from bounds.information import participation_ratio
        >>> participation_ratio(torch.tensor([1.0, 1.0, 0.0]))
        2.0
    """
    values = _over_largest(eigenvalues)  # squares neither over- nor underflow
    return float(values.sum() ** 2 / values.square().sum())


def stable_rank(values: Tensor) -> float:
    """Sum of squared singular values of the raw matrix over the largest square, ‖Z‖_F² / ‖Z‖₂².

    Reference:
        As in Tsitsulin, Munkhoeva & Perozzi 2023 (arXiv:2305.16562) and their program.

    Raises:
        InvalidData: all values zero.

    Example:
        >>> import torch
        >>> from bounds.information import stable_rank
        >>> round(stable_rank(torch.tensor([2.0, 1.0])), 3)
        1.25
    """
    scaled = _over_largest(values)
    return float(scaled.square().sum())


def ne_sum(eigenvalues: Tensor) -> float:
    """NESum: Σ_i λ_i / λ_1 of the centred covariance; d when whitened, 1 when one direction is left.

    Reference:
        He & Ozay, ICML 2022, definition 4.1.

    Raises:
        InvalidData: all eigenvalues zero.

    Example:
        >>> import torch
        >>> from bounds.information import ne_sum
        >>> ne_sum(torch.ones(4)), ne_sum(torch.tensor([2.0, 1.0, 0.0]))
        (4.0, 1.5)
    """
    return float(_over_largest(eigenvalues).sum())


def _over_largest(values: Tensor) -> Tensor:
    values = values.double().clamp(min=0)
    if not float(values.max()) > 0:
        raise InvalidData("The spectrum is zero; the encoder collapsed.")
    return values / values.max()


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

    Example:
        >>> import torch
        >>> from bounds.information import alpha_req
        >>> round(alpha_req(1 / torch.arange(1.0, 9.0) ** 2).alpha, 3)
        2.0
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
        InvalidData: as `lidar_of`.

    Reference:
        Thilak et al., ICLR 2024 (arXiv:2312.04000). `delta` and `epsilon` default to what a public
        implementation uses; they and the plain averages (divisors n, 2n) were not checked against the paper.

    Example:
        >>> import torch
        >>> from bounds.information import lidar
        >>> z = torch.cat([torch.eye(3), -torch.eye(3)])
        >>> round(lidar((z, z)), 3)  # items spread evenly over three dimensions
        3.0
    """
    first, second = as_pair(data)
    seen, unit = Geometry.empty(first.shape[1]), moderate_unit(first, second)
    for a, b in zip(row_chunks(first, rows), row_chunks(second, rows), strict=True):
        seen = seen.update(a / unit, b / unit)
    return lidar_of(seen, delta=delta, epsilon=epsilon, unit=unit)


def lidar_of(seen: Geometry, *, delta: float = 1e-4, epsilon: float = 1e-8, unit: float = 1.0) -> float:
    """`lidar` of a summary that has seen two views, divided by `unit`.

    Raises:
        InvalidOption: `delta` not positive.
        InvalidData: no pairs of views, all items have one mean, or the views of an item do not differ in some
            direction and `delta` is below the rounding of the others.
    """
    if not delta > 0:
        raise InvalidOption(f"`delta` must be positive, got {delta}.")
    if seen.items.count < 2:
        raise InvalidData(f"LiDAR needs two views of at least two items, got {seen.items.count}.")
    within = seen.halves / seen.items.count
    ridge = min(delta / unit / unit, 1e200)  # beyond it `within` no longer counts
    rounding = len(within) * torch.finfo(within.dtype).eps * float(within.diagonal().max())
    factor, failed = torch.linalg.cholesky_ex(
        within + ridge * torch.eye(len(within), dtype=within.dtype, device=within.device)
    )
    if int(failed) or (ridge < rounding and float(factor.diagonal().min()) ** 2 <= rounding):
        raise InvalidData(
            f"LiDAR divides by how much the views of an item differ, which is nothing in some direction beside "
            f"others; give a `delta` of at least {rounding * unit * unit:.2g}, got {delta:g}."
        )
    # L^-1 S_b L^-T has the eigenvalues of S_w^(-1/2) S_b S_w^(-1/2).
    half_done = torch.linalg.solve_triangular(factor, seen.items.matrix(unbiased=False), upper=False)
    matrix = torch.linalg.solve_triangular(factor, half_done.T, upper=False)
    return exp_entropy(torch.linalg.eigvalsh(0.5 * (matrix + matrix.T)), epsilon)


def uniformity(data: Any, *, t: float = 2.0, block: int = BLOCK, distributed: bool = False) -> float:
    """Uniformity: ln mean_{i<j} exp(-t |z_i - z_j|^2) of the l2-normalised rows; lower is more uniform.

    With `distributed`, every process of the torch.distributed group makes this same call and they share the blocks.

    Args:
        data: Z, (N, d).
        t: Of the Gaussian kernel.
        block: Rows compared at a time.
        distributed: As above.

    Raises:
        InvalidOption: a `t` that is negative or not finite.

    Reference:
        Wang & Isola, ICML 2020 (arXiv:2005.10242), L_uniform with t = 2.

    Example:
        >>> import torch
        >>> from bounds.information import uniformity
        >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> round(uniformity(z), 3)
        -4.396
    """
    if not 0 <= t < math.inf:
        raise InvalidOption(f"`t` must be finite and at least zero, got {t}.")
    rows = unit_rows(as_rows(data, least=2))
    n, processes = len(rows), Processes.chosen(distributed)
    scales = torch.arange(int(4.1 * t / _DECADE) + 2, dtype=torch.float64, device=rows.device) * _DECADE

    def own() -> tuple[Tensor, ...]:
        # Sums far apart are kept apart, each in units in which it is a normal number; they add up over processes.
        total = torch.zeros_like(scales)
        for part, columns, values in half_square_blocks(rows, block, processes=processes):
            values.mul_(2 * t)
            if part == columns:
                values.fill_diagonal_(-math.inf)  # a row is no pair with itself
            whole = float(values.logsumexp(dim=1).logsumexp(dim=0))
            if whole > -math.inf:
                place = max(0, math.floor(-whole / _DECADE))
                total[place] += math.exp(whole + place * _DECADE)
        return (total,)

    (total,) = all_sum(processes, "summing over pairs", own)
    return float((total.log() - scales).logsumexp(dim=0)) - math.log(n * (n - 1))


def alignment(data: Any, *, power: float = 2.0) -> float:
    """Alignment: mean |z_i - z'_i|^power of the l2-normalised views (Wang & Isola 2020); lower is closer.

    Args:
        data: Two views, (N, d) each, as (z1, z2) or a table.
        power: Of the distance.

    Example:
        >>> import torch
        >>> from bounds.information import alignment
        >>> z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> alignment((z, z)), round(alignment((z, -z)), 3)
        (0.0, 4.0)
    """
    first, second = as_pair(data)
    gap = unit_rows(first.double()) - unit_rows(second.double())
    return float(torch.linalg.vector_norm(gap, dim=1).pow(power).mean())
