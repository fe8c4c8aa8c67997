"""‖f(x)‖ ≤ B by construction: l2 normalisation or clipping, in float64 (assumption A4)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.representations.table import Representations

_TINY = 1e-120  # norms between it and its inverse have neither lost nor overflowed a square that matters


@dataclass(frozen=True)
class Normalization:
    """How representations are brought into the ball of radius B.

    "l2" maps z to B·z/‖z‖ (zero stays zero), "clip" shrinks only rows longer than B, None leaves them alone.

    Raises:
        InvalidOption: for another kind, or a radius that is not positive and finite.
    """

    kind: Literal["l2", "clip"] | None = "l2"
    radius: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("l2", "clip", None):
            raise InvalidOption(f"`normalize` must be 'l2', 'clip' or None, got {shown(self.kind)}.")
        if not 0 < self.radius < float("inf"):
            raise InvalidOption(f"`radius` must be positive and finite, got {self.radius}.")

    def __call__(self, z: Tensor) -> Tensor:
        """Rows z (N, d) -> rows of norm at most B, unless the kind is None."""
        if self.kind is None:
            return z
        norm = torch.linalg.vector_norm(z, dim=1, keepdim=True)
        if not bool(((norm > _TINY) & (norm < 1 / _TINY)).all()):
            # Scaling by the largest entry first keeps the norm of huge or tiny rows from over- or underflowing.
            largest = z.abs().amax(1, keepdim=True)
            safe = torch.where(largest > 0, largest, 1.0)
            z = z / safe
            norm = torch.linalg.vector_norm(z, dim=1, keepdim=True).clamp_min(1.0)
            factor = self.radius / norm
            return z * (factor if self.kind == "l2" else torch.minimum(safe, factor))
        unit: Tensor = z * (self.radius / norm)
        return unit if self.kind == "l2" else torch.where(norm > self.radius, unit, z)

    def apply(self, table: Representations) -> Representations:
        """The same table, normalised as it is read."""
        return replace(table, transform=self)
