r"""Errors of a Gaussian head without sampling: one-dimensional quadrature over the scores.

For W′ ~ N(W, σ²·I ⊗ A⁻²) the scores at z are N(Wz, s²I) with s = σ‖A⁻¹z‖, so the probability that every
margin of the true class y exceeds c·s is E_t Π_{k≠y} Φ((m_y − m_k)/s + t − c), t ~ N(0, 1). The product is
tabulated once at equally spaced t; every shift c is then a weighted sum of the same table, by the trapezoidal
rule, whose error for an analytic integrand falls faster than any power of the spacing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from bounds.errors import NumericalError
from bounds.heads.least_squares import LeastSquares
from bounds.heads.linear import Head

# Added to every quadrature so that it errs upwards; the rule itself is within 1e-11 at these spacings (tests).
QUADRATURE_TOLERANCE = 1e-9
MAX_SHIFT = 2.0
_REACH = 8.5  # the normal mass beyond is below 2e-17
_BLOCK = 2**21  # numbers in memory together: 16 MB, several times over


@dataclass(frozen=True)
class Metric:
    """A² = V diag(root²) Vᵀ ≻ 0: the inverse covariance of the rows of a Gaussian head, up to σ².

    The metrics of one call of `of` share V.

    Attributes:
        basis: V (d, d), orthogonal.
        root: (d,) positive.
        scale: Root mean square of ‖A⁻¹z‖ on the rows that made it.
    """

    basis: Tensor
    root: Tensor
    scale: float

    @classmethod
    def of(cls, squares: LeastSquares, *ridges: float) -> list[Metric]:
        """A² = (1/n) Σ zzᵀ + λI on the rows of a triangular factor, λ = ridge · mean eigenvalue, for each ridge."""
        rows = squares.reduced().factor[:, 1 : 1 + squares.dim]
        eigenvalues, basis = torch.linalg.eigh(rows.T @ rows / squares.count)
        eigenvalues = eigenvalues.clamp_min(0.0)
        mean = float(eigenvalues.mean())
        found = []
        for ridge in ridges:
            squared = eigenvalues + (ridge * mean if mean > 0 else 1.0)
            found.append(cls(basis, squared.sqrt(), math.sqrt(float((eigenvalues / squared).sum())) or 1.0))
        return found

    def distance(self, head: Head, other: Head) -> float:
        """‖(W − W′)A‖_F."""
        return float(torch.linalg.matrix_norm((head.weight - other.weight) @ self.basis * self.root))

    @property
    def inverse_root(self) -> Tensor:
        """B (d, d) with ‖Bz‖ = ‖A⁻¹z‖ for every z."""
        return (self.basis / self.root).T

    def spread(self, z: Tensor) -> Tensor:
        """‖A⁻¹z‖ of each row, (N,)."""
        return self.spreads([self], z)[:, 0]

    @staticmethod
    def spreads(metrics: Sequence[Metric], z: Tensor) -> Tensor:
        """The same for metrics that share V, (N, number of metrics)."""
        turned = z @ metrics[0].basis
        return torch.stack(
            [torch.linalg.vector_norm(turned / metric.root, dim=1) for metric in metrics], dim=1
        )


@dataclass(frozen=True)
class MarginTable:
    """Π_{k≠y} Φ((m_y − m_k)/s + t_j), summed over the items of each class: a monoid.

    Attributes:
        counts: (K,) items per class.
        sums: (K, J) float64; (H, K, J) for H spreads of each item.
        nodes: (J,) the equally spaced t_j.
    """

    counts: Tensor
    sums: Tensor
    nodes: Tensor

    @classmethod
    def empty(cls, classes: int, *, spacing: float | None = None, heads: tuple[int, ...] = ()) -> MarginTable:
        """The neutral element; the spacing is by default fine enough for that many classes."""
        step = spacing or (0.25 if classes <= 50 else 0.125 if classes <= 2_000 else 0.0625)
        nodes = (
            torch.arange(-round((_REACH + MAX_SHIFT) / step), round(_REACH / step) + 1, dtype=torch.float64)
            * step
        )
        return cls(
            torch.zeros(classes, dtype=torch.float64),
            torch.zeros(*heads, classes, len(nodes), dtype=torch.float64),
            nodes,
        )

    def update(self, scores: Tensor, labels: Tensor, spread: Tensor) -> MarginTable:
        """Add items: scores of the mean head (N, K), labels (N,), s = σ‖A⁻¹z‖ (N,) or (H, N)."""
        rows = max(1, _BLOCK // self.sums.numel())
        if len(scores) > rows:
            parts = (torch.split(scores, rows), torch.split(labels, rows), torch.split(spread, rows, -1))
            return self.add(zip(*parts, strict=True))
        margins = scores.gather(1, labels[:, None]) - scores
        sure = torch.where(margins > 0, math.inf, -math.inf).to(margins)
        spread = spread[..., None]
        scaled = torch.where(spread > 0, margins / spread, sure) / math.sqrt(2.0)
        scaled[..., torch.arange(len(labels), device=labels.device), labels] = math.inf
        nodes = self.nodes.to(scaled) / math.sqrt(2.0)
        products = (0.5 + 0.5 * torch.erf(scaled[..., None] + nodes)).prod(-2).cpu()
        if bool(products.isnan().any()):
            raise NumericalError(
                "A margin of the Gaussian head is not a number; check the representations for NaN."
            )
        labels = labels.cpu()
        added = MarginTable(
            torch.bincount(labels, minlength=len(self.counts)).double(),
            torch.zeros_like(self.sums).index_add_(-2, labels, products),
            self.nodes,
        )
        return self.merge(added)

    def add(self, chunks: Iterable[tuple[Tensor, Tensor, Tensor]]) -> MarginTable:
        """All chunks of (scores, labels, spread)."""
        table = self
        for scores, labels, spread in chunks:
            table = table.update(scores, labels, spread)
        return table

    def merge(self, other: MarginTable) -> MarginTable:
        """The table of both sets of items."""
        return MarginTable(self.counts + other.counts, self.sums + other.sums, self.nodes)

    def class_errors(self, shift: float) -> Tensor:
        """Mean over the items of each class of P(some margin of W′z is ≤ shift·s), rounded up, (K,); 1 if absent.

        Shift 0 is the error of the random head; for a shift of √2Φ⁻¹(q), wherever the mean head errs the value at
        that item is at least q. Shifts beyond `MAX_SHIFT` leave the table.
        """
        return self._class_errors((shift,))[..., 0]

    def error(self, shift: float) -> float:
        """The same averaged over all items."""
        return float(self.errors((shift,)))

    def errors(self, shifts: tuple[float, ...]) -> Tensor:
        """The same for several shifts, (S,) or (H, S)."""
        return self.counts @ self._class_errors(shifts) / self.counts.sum()

    def _class_errors(self, shifts: tuple[float, ...]) -> Tensor:
        """(K, S) or (H, K, S)."""
        weights = _weights(shifts, len(self.nodes), float(self.nodes[0]), float(self.nodes[-1]))
        correct = (self.sums @ weights) / self.counts.clamp_min(1.0)[:, None]
        return (1.0 - correct + QUADRATURE_TOLERANCE).clamp(0.0, 1.0).where(self.counts[:, None] > 0, 1.0)


@lru_cache(maxsize=256)
def _weights(shifts: tuple[float, ...], count: int, first: float, last: float) -> Tensor:
    """Trapezoidal weights of the normal density, moved by −shift, on equally spaced nodes: (nodes, shifts)."""
    nodes = torch.linspace(first, last, count, dtype=torch.float64)[:, None]
    moved = nodes + torch.tensor(shifts, dtype=torch.float64)
    return (last - first) / (count - 1) / math.sqrt(2 * math.pi) * (-0.5 * moved.square()).exp()
