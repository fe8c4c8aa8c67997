"""LogDet entropy: that of the Gaussian with the same covariance, which streams; an upper bound on h(Z)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.information.records import Entropy
from bounds.information.rows import as_rows, row_chunks
from bounds.representations.table import Representations

Shrinkage = Literal["oas", "ledoit-wolf"] | float | None


@dataclass(frozen=True)
class Covariance:
    """Count, mean and centred scatter of rows, in float64; merging parts gives the same as one pass.

    Attributes:
        count: Rows seen.
        mean: (d,).
        scatter: sum_i (z_i - mean)(z_i - mean)^T, (d, d).
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def from_rows(cls, rows: Tensor) -> Covariance:
        """Summary of one chunk (N, d)."""
        rows = rows.double()
        mean = rows.mean(dim=0)
        centred = rows - mean
        return cls(len(rows), mean, centred.T @ centred)

    def merge(self, other: Covariance) -> Covariance:
        """Summary of both chunks together (Chan, Golub and LeVeque 1979).

        Raises:
            InvalidData: the dimensions differ.
        """
        if self.mean.shape != other.mean.shape:
            raise InvalidData(
                f"Cannot merge covariances of dimension {len(self.mean)} and {len(other.mean)}."
            )
        count = self.count + other.count
        shift = other.mean - self.mean
        between = torch.outer(shift, shift) * (self.count * other.count / count)
        return Covariance(
            count, self.mean + shift * (other.count / count), self.scatter + other.scatter + between
        )

    @property
    def constant(self) -> Tensor:
        """Dimensions that never change beyond the rounding of their mean, (d,)."""
        return self.scatter.diagonal() <= self.count * (1e-12 * self.mean) ** 2

    def matrix(self, *, unbiased: bool = True) -> Tensor:
        """The scatter divided by n - 1, or by n; exactly zero for constant dimensions.

        Raises:
            InvalidData: fewer than two rows.
        """
        if self.count < 2:
            raise InvalidData(f"A covariance needs at least two rows, got {self.count}.")
        varies = (~self.constant).to(self.scatter)
        return self.scatter * torch.outer(varies, varies) / (self.count - 1 if unbiased else self.count)


def chunked(data: Any, rows: int = 8192, name: str = "representations") -> Iterator[Tensor]:
    """The first view in float64 chunks: Representations, tensor, array or memory map."""
    if isinstance(data, Representations):
        yield from (views[0] for views, _ in data.chunks(rows))
    else:
        whole = as_rows(data, name)
        yield from (part.double() for part in row_chunks(whole, rows))


def covariance(data: Any, rows: int = 8192) -> Covariance:
    """One pass over the rows, `rows` at a time, in memory of order d^2."""
    return reduce(Covariance.merge, map(Covariance.from_rows, chunked(data, rows)))


def oas_weight(summary: Covariance) -> float:
    """Weight of the scaled identity in oracle approximating shrinkage (Chen et al. 2010).

    Needs only traces of the covariance, hence the merged summary; derived for Gaussian data.
    """
    matrix = summary.matrix(unbiased=False)
    d = len(matrix)
    power, level = float(matrix.square().mean()), float(matrix.diagonal().mean()) ** 2
    denominator = (summary.count + 1) * (power - level / d)
    return 1.0 if denominator <= 0 else min(1.0, (power + level) / denominator)


def ledoit_wolf_weight(summary: Covariance, data: Any, rows: int = 8192) -> float:
    """Weight of the scaled identity by Ledoit & Wolf (2004); a second pass for the fourth moments."""
    matrix, n, d = summary.matrix(unbiased=False), summary.count, len(summary.mean)
    fourth = math.fsum(
        float((part - summary.mean).square().sum(dim=1).square().sum()) for part in chunked(data, rows)
    )
    size = float(matrix.square().sum())
    level = float(matrix.diagonal().mean())
    spread = size / d - level**2
    noise = (fourth / n - size) / (n * d)
    return 1.0 if spread <= 0 else max(0.0, min(noise, spread)) / spread


def shrunk(summary: Covariance, shrinkage: Shrinkage = None, data: Any = None) -> Tensor:
    """The covariance matrix after shrinkage: None, a ridge added to the diagonal, `oas` or `ledoit-wolf`.

    Raises:
        InvalidOption: another name, a negative ridge, or `ledoit-wolf` without the data for its second pass.
    """
    if shrinkage is None:
        return summary.matrix()
    if isinstance(shrinkage, str):
        if shrinkage == "oas":
            weight = oas_weight(summary)
        elif shrinkage == "ledoit-wolf" and data is not None:
            weight = ledoit_wolf_weight(summary, data)
        else:
            raise InvalidOption(
                f"`shrinkage` must be None, a ridge, 'oas' or (given data) 'ledoit-wolf', got {shrinkage!r}."
            )
        matrix = summary.matrix(unbiased=False)
        identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
        return (1 - weight) * matrix + weight * matrix.diagonal().mean() * identity
    if not shrinkage >= 0:
        raise InvalidOption(f"A ridge `shrinkage` must be at least zero, got {shrinkage}.")
    matrix = summary.matrix()
    return matrix + shrinkage * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)


def log_det(matrix: Tensor) -> tuple[float, int]:
    """Log determinant (-inf when singular to rounding) and numerical rank of a covariance."""
    eigenvalues = torch.linalg.eigvalsh(matrix)
    positive = eigenvalues > len(matrix) * torch.finfo(matrix.dtype).eps * eigenvalues[-1].clamp(min=0)
    rank = int(positive.sum())
    return (float(eigenvalues.log().sum()) if rank == len(matrix) else -math.inf), rank


def log_det_bias(n: int, d: int) -> float:
    """E[ln det S] - ln det Sigma, S the sample covariance of n > d Gaussian rows (Wishart); else -inf."""
    if n <= d:
        return -math.inf
    degrees = n - 1
    digamma = torch.digamma((degrees - torch.arange(d, dtype=torch.float64)) / 2)
    return float((digamma + math.log(2 / degrees)).sum())


def log_det_entropy(
    data: Any, *, shrinkage: Shrinkage = None, correct_bias: bool = False, rows: int = 8192
) -> Entropy:
    r"""Entropy of the Gaussian with the covariance of the rows, (1/2) ln det(2 pi e Sigma), in nats.

    Among all densities with one covariance the Gaussian has the largest entropy, so with the true Sigma this
    bounds h(Z) from above; VICReg's variance and covariance terms are a proxy of it. From n rows the log
    determinant is biased *down* (exactly known for Gaussian rows); shrinkage biases it up and keeps it finite
    when n <= d.

    Args:
        data: Representations, tensor or array (N, d); read in chunks (twice for `ledoit-wolf`). A
            `Covariance` also.
        shrinkage: None; a ridge added to the diagonal (squared unit of the data); `oas` (Chen et al. 2010,
            from the merged summary); `ledoit-wolf` (2004).
        correct_bias: Subtract the Wishart bias; only with `shrinkage=None` and n > d.
        rows: Rows in memory at a time.

    Returns:
        Entropy of kind `upper`; -inf where the covariance is singular (the bias note gives its rank).

    Raises:
        InvalidOption: unknown shrinkage, or a correction that has no meaning.
        InvalidData: NaN, infinity, or fewer than two rows.
    """
    summary = data if isinstance(data, Covariance) else covariance(data, rows)
    n, d = summary.count, len(summary.mean)
    if correct_bias and (shrinkage is not None or n <= d):
        raise InvalidOption(
            "`correct_bias` needs n > d and `shrinkage=None`; the Wishart bias is known only there."
        )
    value, rank = log_det(shrunk(summary, shrinkage, None if isinstance(data, Covariance) else data))
    value = 0.5 * (d * math.log(2 * math.pi * math.e) + value)
    bias = 0.5 * log_det_bias(n, d)
    if correct_bias:
        value, note = value - bias, "bias removed, exact if the rows are Gaussian"
    elif shrinkage is not None:
        note = f"shrinkage {shrinkage} biases it up"
    elif rank < d:
        note = f"the covariance has rank {rank} of {d}: no density; shrink, or project to the support"
    else:
        note = f"plug-in bias {bias:+.3g} nats if the rows are Gaussian"
    return Entropy(value, "upper", f"LogDet, shrinkage={shrinkage}", note, n, d)
