"""Mean and centred scatter of rows: the covariance as a summary that streams and merges."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidData


@dataclass(frozen=True)
class Covariance:
    """Count, mean and centred scatter of rows, in float64; merging parts gives the same as one pass.

    Attributes:
        count: Rows seen.
        mean: (d,).
        scatter: sum_i (z_i - mean)(z_i - mean)^T, (d, d).

    Example:
        >>> import torch
        >>> from bounds.summaries import Covariance
        >>> part = Covariance.from_rows(torch.tensor([[1.0], [2.0]]))
        >>> part.merge(Covariance.from_rows(torch.tensor([[3.0]]))).matrix().tolist()  # of 1, 2, 3
        [[1.0]]
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def empty(cls, dim: int) -> Covariance:
        """No rows yet."""
        mean = torch.zeros(dim, dtype=torch.float64)
        return cls(0, mean, torch.zeros(dim, dim, dtype=torch.float64))

    @classmethod
    def from_rows(cls, rows: Tensor) -> Covariance:
        """Summary of one chunk (N, d)."""
        rows = rows.double()
        origin = rows[0]
        centred = rows - origin  # a constant column is zero from here on, whatever its mean rounds to
        shift = centred.mean(dim=0)
        centred = centred - shift
        return cls(len(rows), origin + shift, centred.T @ centred)

    def update(self, rows: Tensor) -> Covariance:
        """Summary with one more chunk (N, d)."""
        return self.merge(Covariance.from_rows(rows)) if len(rows) else self

    def merge(self, other: Covariance) -> Covariance:
        """Summary of both chunks together (Chan, Golub and LeVeque 1979).

        Raises:
            InvalidData: the dimensions differ.
        """
        if self.mean.shape != other.mean.shape:
            raise InvalidData(
                f"Cannot merge covariances of dimension {len(self.mean)} and {len(other.mean)}."
            )
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        shift = other.mean - self.mean
        between = torch.outer(shift, shift) * (self.count * other.count / count)
        return Covariance(
            count, self.mean + shift * (other.count / count), self.scatter + other.scatter + between
        )

    @property
    def constant(self) -> Tensor:
        """Dimensions that change by no more than the spacing of their own numbers, (d,)."""
        spacing = torch.finfo(self.mean.dtype).eps * self.mean
        return self.scatter.diagonal() <= self.count * (0.5 * spacing) ** 2

    def matrix(self, *, unbiased: bool = True) -> Tensor:
        """The scatter divided by n - 1, or by n; exactly zero for constant dimensions.

        Raises:
            InvalidData: fewer than two rows, or rows so large that their squares are beyond float64.
        """
        if self.count < 2:
            raise InvalidData(f"A covariance needs at least two rows, got {self.count}.")
        if not bool(torch.isfinite(self.scatter.diagonal()).all()):
            raise InvalidData(
                f"Squares of rows of size {float(self.mean.abs().max()):.0e} are beyond float64; divide the rows."
            )
        varies = (~self.constant).to(self.scatter)
        return self.scatter * torch.outer(varies, varies) / (self.count - 1 if unbiased else self.count)
