"""Covariance within the classes as a matrix, streamed and merged."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class WithinScatter:
    """Scatter of labeled rows around the means of their classes, in float64.

    Attributes:
        counts: (K,) int64.
        means: (K, d); zero for absent classes.
        scatter: Σ_i (z_i − μ_{y_i})(z_i − μ_{y_i})ᵀ, (d, d).

    Example:
        >>> import torch
        >>> from bounds.summaries import WithinScatter
        >>> z, labels = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])
        >>> WithinScatter.empty(dim=1, num_classes=2).update(z, labels).scatter.tolist()
        [[2.0]]
    """

    counts: Tensor
    means: Tensor
    scatter: Tensor

    @classmethod
    def empty(cls, dim: int, num_classes: int) -> WithinScatter:
        """The neutral element of `merge`."""
        return cls(
            torch.zeros(num_classes, dtype=torch.int64),
            torch.zeros(num_classes, dim, dtype=torch.float64),
            torch.zeros(dim, dim, dtype=torch.float64),
        )

    def update(self, z: Tensor, labels: Tensor) -> WithinScatter:
        """Add rows z (N, d) with class indices (N,)."""
        z, labels = z.double(), labels.long()
        counts = torch.bincount(labels, minlength=len(self.counts))
        means = torch.zeros_like(self.means).index_add_(0, labels, z) / counts.clamp_min(1)[:, None]
        centred = z - means[labels]
        return self.merge(WithinScatter(counts, means, centred.T @ centred))

    def merge(self, other: WithinScatter) -> WithinScatter:
        """Of both streams together (Chan, Golub and LeVeque 1979, class by class)."""
        counts = self.counts + other.counts
        shift = other.means - self.means
        share = other.counts.double() / counts.clamp_min(1)
        between = shift.T @ (shift * (self.counts * share)[:, None])
        return WithinScatter(
            counts, self.means + shift * share[:, None], self.scatter + other.scatter + between
        )
