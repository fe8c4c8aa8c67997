"""Where representations lie: spectrum, directions and agreement of views, as one summary."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.summaries.covariance import Covariance


@dataclass(frozen=True)
class Geometry:
    """What label-free measures read off representations in one pass, in float64, in memory of order d².

    Attributes:
        rows: Count, mean and scatter of the first views.
        triangle: Triangular factor R of the raw first views Z, RᵀR = ZᵀZ, (d, d): its singular values are those of
            Z, without squaring their condition.
        directions: Σ uuᵀ over the first views that are not zero, u = z/‖z‖, (d, d).
        directed: Their number.
        items: Count, mean and scatter of the mean (z + z')/2 of an item's two views; empty for one view.
        halves: Σ hhᵀ, h = (z − z')/2, (d, d).
        apart: Σ ‖u − u'‖² over the items of which neither view is zero.
        aligned: Their number.

    Example:
        >>> import torch
        >>> from bounds.summaries import Geometry
        >>> seen = Geometry.empty(2).update(torch.tensor([[3.0, 4.0]])).update(torch.tensor([[0.0, 2.0]]))
        >>> seen.rows.count, (seen.triangle.T @ seen.triangle).round().tolist()  # ZᵀZ
        (2, [[9.0, 12.0], [12.0, 20.0]])
    """

    rows: Covariance
    triangle: Tensor
    directions: Tensor
    directed: int
    items: Covariance
    halves: Tensor
    apart: float
    aligned: int

    @classmethod
    def empty(cls, dim: int) -> Geometry:
        """The neutral element of `merge`."""
        square = torch.zeros(dim, dim, dtype=torch.float64)
        return cls(Covariance.empty(dim), square, square, 0, Covariance.empty(dim), square, 0.0, 0)

    def update(self, first: Tensor, second: Tensor | None = None) -> Geometry:
        """Add first views (N, d), and second views (N, d) of the same items.

        Raises:
            InvalidData: rows of another dimension, or views of different shapes.
        """
        dim = len(self.triangle)
        if first.ndim != 2 or first.shape[1] != dim or (second is not None and second.shape != first.shape):
            got = [tuple(one.shape) for one in (first, second) if one is not None]
            raise InvalidData(
                f"The views must be (N, {dim}) of one shape, got {' and '.join(map(str, got))}."
            )
        if not len(first):
            return self
        first = first.double()
        unit, length = _directions(first)
        seen = Geometry(
            Covariance.from_rows(first),
            _triangle(first, dim),
            unit.T @ unit,
            int((length > 0).sum()),
            Covariance.empty(dim),
            torch.zeros(dim, dim, dtype=torch.float64, device=first.device),
            0.0,
            0,
        )
        if second is not None:
            seen = seen._with_pairs(first, second.double(), unit, length)
        return self.merge(seen)

    def _with_pairs(self, first: Tensor, second: Tensor, unit: Tensor, length: Tensor) -> Geometry:
        other, other_length = _directions(second)
        both = (length > 0) & (other_length > 0)
        half = 0.5 * (first - second)
        return Geometry(
            self.rows,
            self.triangle,
            self.directions,
            self.directed,
            Covariance.from_rows(0.5 * (first + second)),
            half.T @ half,
            float((unit - other)[both].square().sum()),
            int(both.sum()),
        )

    def merge(self, other: Geometry) -> Geometry:
        """Of both streams together.

        Raises:
            InvalidData: the dimensions differ.
        """
        if not other.rows.count or not self.rows.count:
            return self if self.rows.count else other
        rows = self.rows.merge(other.rows)
        return Geometry(
            rows,
            _triangle(torch.cat([self.triangle, other.triangle]), len(self.triangle)),
            self.directions + other.directions,
            self.directed + other.directed,
            self.items.merge(other.items),
            self.halves + other.halves,
            self.apart + other.apart,
            self.aligned + other.aligned,
        )


def _directions(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows divided by their norm, rows of zeros as they are; and the largest entry of each."""
    largest = rows.abs().amax(dim=1)
    scaled = (
        rows / largest.clamp_min(torch.finfo(rows.dtype).tiny)[:, None]
    )  # squares do not under- or overflow
    norm = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    return scaled / norm.clamp_min(torch.finfo(rows.dtype).tiny), largest


def _triangle(rows: Tensor, dim: int) -> Tensor:
    """R of the rows with as many rows as columns, zeros below where there are fewer."""
    factor: Tensor = torch.linalg.qr(rows, mode="r").R
    missing = dim - len(factor)
    return factor if not missing else torch.cat([factor, factor.new_zeros(missing, dim)])
