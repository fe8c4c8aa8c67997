"""Count, mean, centred second moment, minimum and maximum of k scalars per item."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics


@dataclass(frozen=True)
class Moments:
    """First two moments of a stream of vectors in R^k, accumulated centred (never E x^2 - (E x)^2).

    Attributes:
        count: Number of items.
        mean, scatter, minimum, maximum: (k,) float64; scatter = sum of (x - mean)^2.

    Example:
        >>> import torch
        >>> from bounds.summaries import Moments
        >>> seen = Moments.empty().update(torch.tensor([[1.0], [2.0]])).update(torch.tensor([[3.0]]))
        >>> seen.count, seen.mean.item(), seen.scatter.item(), seen.maximum.item()
        (3, 2.0, 2.0, 3.0)
    """

    count: int
    mean: Tensor
    scatter: Tensor
    minimum: Tensor
    maximum: Tensor

    @classmethod
    def empty(cls, size: int = 1, device: torch.device | str = "cpu") -> Moments:
        """The neutral element of `merge`."""
        zeros = torch.zeros(size, dtype=torch.float64, device=device)
        return cls(0, zeros, zeros, zeros + torch.inf, zeros - torch.inf)

    @classmethod
    def of(cls, values: Tensor) -> Moments:
        """Moments of one batch, (N, k) or (N,)."""
        values = values.double() if values.ndim == 2 else values.double()[:, None]
        if not len(values):
            return cls.empty(values.shape[1], values.device)
        mean = values.mean(0)
        return cls(
            len(values), mean, (values - mean).square().sum(0), values.min(0).values, values.max(0).values
        )

    def update(self, values: Tensor) -> Moments:
        """Add a batch, (N, k) or (N,)."""
        return self.merge(Moments.of(values))

    def merge(self, other: Moments) -> Moments:
        """Moments of both streams together (pairwise update of Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        if count == 0:
            return self
        delta = other.mean - self.mean
        return Moments(
            count,
            self.mean + delta * (other.count / count),
            self.scatter + other.scatter + delta.square() * (self.count * other.count / count),
            torch.minimum(self.minimum, other.minimum),
            torch.maximum(self.maximum, other.maximum),
        )

    @property
    def variance(self) -> Tensor:
        """Unbiased sample variance, (k,).

        Raises:
            InvalidStatistics: with fewer than two items.
        """
        if self.count < 2:
            raise InvalidStatistics(f"A sample variance needs at least two items, got {self.count}.")
        return self.scatter / (self.count - 1)

    @property
    def root_mean_square(self) -> Tensor:
        """sqrt((1/n) sum x^2), (k,)."""
        return (self.mean.square() + self.scatter / max(self.count, 1)).sqrt()
