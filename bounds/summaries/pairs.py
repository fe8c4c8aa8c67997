"""Invariance and second moments of pair differences."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bounds.summaries.moments import Moments


@dataclass(frozen=True)
class PairMoments:
    """What pairs (f(x⁺), f(x⁺⁺)) say without labels.

    Attributes:
        norms: Moments of ‖f(x⁺) − f(x⁺⁺)‖; its mean is the invariance Î (a norm, not a square).
        second: (d, d) Σ_i Δ_i Δ_iᵀ over pair differences Δ_i.
        max_norm: Largest ‖f(x)‖ over both views.

    Example:
        >>> import torch
        >>> from bounds.summaries import PairMoments
        >>> seen = PairMoments.empty(dim=2).update(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.zeros(2, 2))
        >>> seen.invariance  # (5 + 1)/2
        3.0
    """

    norms: Moments
    second: Tensor
    max_norm: float = 0.0

    @classmethod
    def empty(cls, dim: int, device: torch.device | str = "cpu") -> PairMoments:
        """The neutral element of `merge`."""
        return cls(Moments.empty(1, device), torch.zeros(dim, dim, dtype=torch.float64, device=device))

    def update(self, first: Tensor, second: Tensor) -> PairMoments:
        """Add pairs of rows, each (N, d)."""
        delta = first.double() - second.double()
        largest = max(
            (float(torch.linalg.vector_norm(v.double(), dim=1).max()) for v in (first, second) if len(v)),
            default=0.0,
        )
        return replace(
            self,
            norms=self.norms.update(torch.linalg.vector_norm(delta, dim=1)),
            second=torch.addmm(self.second, delta.T, delta),
            max_norm=max(self.max_norm, largest),
        )

    def merge(self, other: PairMoments) -> PairMoments:
        """Moments of both streams together."""
        return replace(
            self,
            norms=self.norms.merge(other.norms),
            second=self.second + other.second,
            max_norm=max(self.max_norm, other.max_norm),
        )

    @property
    def count(self) -> int:
        """Number of pairs m."""
        return self.norms.count

    @property
    def invariance(self) -> float:
        """Î = (1/m) Σ‖f(x_i⁺) − f(x_i⁺⁺)‖."""
        return float(self.norms.mean[0])
