"""Second moments of the spectral contrastive loss: alignment of pairs, similarity of strangers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics


@dataclass(frozen=True)
class SpectralMoments:
    """A monoid over pairs (f(x⁺), f(x⁺⁺)); the all-pairs mean needs only a (d, d) matrix.

    Attributes:
        count: Number of pairs m.
        aligned: Σ f(x_i⁺)ᵀf(x_i⁺⁺).
        second: Σ f(x_i⁺)f(x_i⁺)ᵀ, (d, d).
        fourth: Σ ‖f(x_i⁺)‖⁴.
    """

    count: int
    aligned: float
    second: Tensor
    fourth: float

    @classmethod
    def empty(cls, dim: int, device: torch.device | str = "cpu") -> SpectralMoments:
        """The neutral element of `merge`."""
        return cls(0, 0.0, torch.zeros(dim, dim, dtype=torch.float64, device=device), 0.0)

    def update(self, first: Tensor, second: Tensor) -> SpectralMoments:
        """Add pairs of rows, each (N, d)."""
        first, second = first.double(), second.double()
        norms = first.square().sum(1)
        return self.merge(
            SpectralMoments(len(first), float((first * second).sum()), first.T @ first, float(norms @ norms))
        )

    def merge(self, other: SpectralMoments) -> SpectralMoments:
        """Moments of both streams together."""
        return SpectralMoments(
            self.count + other.count,
            self.aligned + other.aligned,
            self.second + other.second,
            self.fourth + other.fourth,
        )

    @classmethod
    def of(cls, pairs: Iterable[tuple[Tensor, ...]], dim: int, device: torch.device | str) -> SpectralMoments:
        """One pass over (first, second)."""
        moments = cls.empty(dim, device)
        for views in pairs:
            moments = moments.update(*views)
        return moments

    @property
    def alignment(self) -> float:
        """Mean of f(x⁺)ᵀf(x⁺⁺)."""
        return self.aligned / self.count

    @property
    def similarity(self) -> float:
        """Mean of (f(x_i⁺)ᵀf(x_j⁺))² over ordered pairs i ≠ j: (‖Σ f fᵀ‖_F² − Σ‖f‖⁴)/(m(m − 1)).

        Raises:
            InvalidStatistics: with fewer than two pairs.
        """
        if self.count < 2:
            raise InvalidStatistics(f"Similarities of strangers need at least two pairs, got {self.count}.")
        total = float(self.second.square().sum()) - self.fourth
        return max(0.0, total) / (self.count * (self.count - 1))

    @property
    def spectral_loss(self) -> float:
        """−2·alignment + similarity (HaoChen et al. 2021)."""
        return -2 * self.alignment + self.similarity
