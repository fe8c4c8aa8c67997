"""Linear maps of bounded norm on frozen features: f = A h, seen through ||A (h(x+) - h(x++))||."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bounds.complexity.linear import check_radius, evaluate_linear
from bounds.complexity.linear_ball import Contraction, LinearBall, Norm
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.representations.arrays import as_table


@dataclass(frozen=True)
class LinearMap:
    r"""{A h : ||A|| <= beta} on frozen h, through ||A D_i||, D_i = h(x_i^+) - h(x_i^{++}).

    Only A^T A matters, and A may be replaced by (A^T A)^{1/2}, which has the same norms: p = min(outputs, d)
    rows are enough. Upper, Frobenius: sqrt(2) beta sqrt(p mean ||D||^2); spectral: the nuclear norm in its
    place, at most sqrt(2) beta min(sqrt(p) ||D||_*, p ||D||_F) / sqrt(m); contraction="gaussian" puts
    sqrt(pi/2) for sqrt(2).

    Attributes:
        beta: Bound on the norm of A, fixed before the data.
        norm: "frobenius" or "spectral".
        outputs: Rows of A; d when None.
        radius: A bound on ||D|| fixed before the data: then `upper` also bounds the expected complexity.
        contraction: "maurer" or "gaussian".

    Example:
        >>> import torch
        >>> from bounds.complexity import LinearMap, rademacher
        >>> pairs = torch.eye(2), torch.zeros(2, 2)
        >>> round(rademacher(pairs, LinearMap(beta=1.0), draws=20).upper, 3)  # √2 β √(p mean‖D‖²), p = 2
        2.0
    """

    beta: float
    norm: Norm = "frobenius"
    outputs: int | None = None
    radius: float | None = None
    contraction: Contraction = "maurer"

    def __post_init__(self) -> None:
        LinearBall(self.beta, self.outputs if self.outputs is not None else 1, self.norm, self.contraction)
        check_radius(self.radius)

    @property
    def name(self) -> str:
        """Name with parameters."""
        return f"LinearMap(beta={self.beta:g}, norm={self.norm!r})"

    @property
    def description(self) -> str:
        """The class in words."""
        return f"linear maps A of frozen features with {self.norm} norm at most {self.beta:g}"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Evaluate on pairs (h(x+), h(x++)).

        Raises:
            InvalidData: one view only, or a difference longer than `radius`.
        """
        table = as_table(data, pairs=True)
        ball = LinearBall(self.beta, min(self.outputs or table.dim, table.dim), self.norm, self.contraction)

        def blocks() -> Iterator[tuple[range, Tensor, Tensor | None]]:
            for rows, views, _ in sampling.blocks(table):
                yield rows, views[0] - views[1], None

        return evaluate_linear(
            self.name, self.description, blocks, ball, (table.count, table.dim), self.radius, True, sampling
        )
