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

    Example:
        >>> import torch
        >>> from bounds.summaries import ClassMoments
        >>> z, labels = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])
        >>> seen = ClassMoments.empty(dim=1, num_classes=2).update(z, labels)
        >>> seen.counts.tolist(), seen.means.tolist(), seen.scatter.tolist()
        ([2, 1], [[2.0], [5.0]], [2.0, 0.0])
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
        present, own = torch.unique(labels.long(), return_inverse=True)
        counts = torch.bincount(own, minlength=len(present))
        means = self.means.new_zeros(len(present), self.means.shape[1]).index_add_(0, own, z.double())
        means /= counts[:, None]
        deviation = (z.double() - means[own]).square().sum(1)
        scatter = self.scatter.new_zeros(len(present)).index_add_(0, own, deviation)
        largest = float(torch.linalg.vector_norm(z.double(), dim=1).max()) if len(z) else 0.0
        return self._merged(present, counts, means, scatter, largest)

    def merge(self, other: ClassMoments) -> ClassMoments:
        """Moments of both streams together."""
        everything = torch.arange(len(self.counts), device=self.counts.device)
        return self._merged(everything, other.counts, other.means, other.scatter, other.max_norm)

    def _merged(
        self, rows: Tensor, counts: Tensor, means: Tensor, scatter: Tensor, max_norm: float
    ) -> ClassMoments:
        """With the moments of another stream for the classes in `rows`."""
        before, delta = self.counts[rows], means - self.means[rows]
        share = counts.double() / (before + counts).clamp_min(1)
        return ClassMoments(
            self.counts.index_add(0, rows, counts),
            self.means.index_add(0, rows, delta * share[:, None]),
            self.scatter.index_add(0, rows, scatter + delta.square().sum(1) * before * share),
            max(self.max_norm, max_norm),
        )

    @property
    def count(self) -> int:
        """Number of items n."""
        return int(self.counts.sum())

    @property
    def frequencies(self) -> Tensor:
        """p̂, (K,)."""
        return self.counts.double() / self.count
