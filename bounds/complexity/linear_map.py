"""Linear maps of bounded norm on frozen features: f = A h, seen through ||A (h(x+) - h(x++))||."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bounds.complexity.ascent import search_below
from bounds.complexity.inputs import as_table
from bounds.complexity.linear_ball import Contraction, LinearBall, Norm, contract
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidData, InvalidOption


@dataclass(frozen=True)
class LinearMap:
    r"""{A h : ||A|| <= beta} on frozen h, through ||A D_i||, D_i = h(x_i^+) - h(x_i^{++}).

    Only A^T A matters, and A may be replaced by (A^T A)^{1/2}, which has the same norms: p = min(outputs, d) rows are
    enough. Upper, Frobenius: sqrt(2) beta sqrt(p mean ||D||^2); spectral: the nuclear norm in its place, at most
    sqrt(2) beta min(sqrt(p) ||D||_*, p ||D||_F) / sqrt(m); contraction="gaussian" puts sqrt(pi/2) for sqrt(2).

    Attributes:
        beta: Bound on the norm of A, fixed before the data.
        norm: "frobenius" or "spectral".
        outputs: Rows of A; d when None.
        radius: A bound on ||D|| fixed before the data: then `upper` also bounds the expected complexity.
        contraction: "maurer" or "gaussian".
    """

    beta: float
    norm: Norm = "frobenius"
    outputs: int | None = None
    radius: float | None = None
    contraction: Contraction = "maurer"

    def __post_init__(self) -> None:
        LinearBall(self.beta, self.outputs if self.outputs is not None else 1, self.norm, self.contraction)
        if self.radius is not None and not (math.isfinite(self.radius) and self.radius > 0):
            raise InvalidOption(f"`radius` must be positive and finite, got {self.radius}.")

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

        def blocks() -> Iterator[tuple[Tensor, Tensor | None]]:
            for views, _ in table.chunks(sampling.rows, sampling.device):
                difference = views[0] - views[1]
                if self.radius is not None and float(difference.norm(dim=1).max()) > self.radius * (1 + 1e-6):
                    raise InvalidData(f"A pair differs by more than `radius` = {self.radius:g}.")
                yield difference, None

        found = contract(blocks, ball, table.count, table.dim, sampling)
        lower = None
        if sampling.search:
            lower = search_below(blocks, ball, table.count, table.dim, found.mean_square, sampling)
        upper, basis, spent = found.closed, "contraction and Jensen; deterministic given the data", 0.0
        if self.radius is not None:
            upper, basis = ball.closed_form(self.radius**2), "contraction and ||D|| <= radius; for every sample"
        elif found.limit is not None:
            upper, spent = found.limit, sampling.delta or 0.0
            basis = "contraction; smaller of the closed form and its Monte-Carlo limit, paid for"
        return Complexity(
            self.name, self.description, table.count, "empirical" if self.radius is None else "expected", upper, basis,
            delta=spent, monte_carlo=found.estimate, lower=lower,
            details={"outputs": ball.outputs, "closed_form": found.closed, "mean_square_norm": found.mean_square},
        )  # fmt: skip
