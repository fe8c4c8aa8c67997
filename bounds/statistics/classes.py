"""Counts, means and within-class scatter of labeled vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ClassMoments:
    """Per-class first two moments of representations.

    Attributes:
        counts: (K,) int64.
        means: (K, d); zero for absent classes.
        scatter: (K,) Σ_{i in class} ‖z_i − mean‖², so scatter/counts estimates tr Cov(f | y).
        max_norm: largest ‖z‖ seen.
    """

    counts: Tensor
    means: Tensor
    scatter: Tensor
    max_norm: float

    @classmethod
    def empty(cls, dim: int, num_classes: int, device: torch.device | str = "cpu") -> ClassMoments:
        """The neutral element of `merge`."""
        return cls(
            torch.zeros(num_classes, dtype=torch.int64, device=device),
            torch.zeros(num_classes, dim, dtype=torch.float64, device=device),
            torch.zeros(num_classes, dtype=torch.float64, device=device),
            0.0,
        )

    def update(self, z: Tensor, labels: Tensor) -> ClassMoments:
        """Add rows z (N, d) with class indices (N,)."""
        counts = torch.bincount(labels, minlength=len(self.counts))
        means = torch.zeros_like(self.means).index_add_(0, labels, z.double())
        means /= counts.clamp_min(1)[:, None]
        deviation = (z.double() - means[labels]).square().sum(1)
        scatter = torch.zeros_like(self.scatter).index_add_(0, labels, deviation)
        largest = float(torch.linalg.vector_norm(z.double(), dim=1).max()) if len(z) else 0.0
        return self.merge(ClassMoments(counts, means, scatter, largest))

    def merge(self, other: ClassMoments) -> ClassMoments:
        """Moments of both streams together."""
        counts = self.counts + other.counts
        delta = other.means - self.means
        share = other.counts.double() / counts.clamp_min(1)
        return ClassMoments(
            counts,
            self.means + delta * share[:, None],
            self.scatter + other.scatter + delta.square().sum(1) * self.counts * share,
            max(self.max_norm, other.max_norm),
        )

    @property
    def count(self) -> int:
        """Number of items n."""
        return int(self.counts.sum())

    @property
    def frequencies(self) -> Tensor:
        """p̂, (K,)."""
        return self.counts.double() / self.count
