"""Heads of bounded Frobenius norm on a frozen encoder: the complexity of W o f."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.complexity.ascent import search_below
from bounds.complexity.inputs import as_table
from bounds.complexity.linear_ball import Contraction, LinearBall, contract
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidData, InvalidOption


@dataclass(frozen=True)
class LinearHead:
    r"""{(z, y) -> ||e_y - W z|| : ||W||_F <= beta}, z = f(x) of one frozen encoder, e_y one of K corners.

    Upper: sqrt(2) beta sqrt(K mean ||z||^2) (Maurer 2016), or with contraction="gaussian" sqrt(pi/2) in place of sqrt(2).

    Attributes:
        beta: Bound on the Frobenius norm of the head, fixed before the data.
        num_classes: K; read off the labels when None.
        radius: A bound B on ||z|| fixed before the data: then `upper` uses B and also bounds the expected complexity.
        contraction: "maurer" or "gaussian".
    """

    beta: float
    num_classes: int | None = None
    radius: float | None = None
    contraction: Contraction = "maurer"

    def __post_init__(self) -> None:
        LinearBall(self.beta, 1, "frobenius", self.contraction)
        if self.radius is not None and not (math.isfinite(self.radius) and self.radius > 0):
            raise InvalidOption(f"`radius` must be positive and finite, got {self.radius}.")

    @property
    def name(self) -> str:
        """Name with parameters."""
        return f"LinearHead(beta={self.beta:g})"

    @property
    def description(self) -> str:
        """The class in words."""
        return f"heads W on one frozen encoder with ||W||_F at most {self.beta:g}, loss ||e_y - W f(x)||"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Evaluate on (z, y), or on a table whose first view is z; without labels there is no lower bound.

        Raises:
            InvalidOption: K neither given nor readable off labels.
            InvalidData: labels outside 0..K-1, or a row longer than `radius`.
        """
        table = as_table(data, pairs=False)
        outputs = self.num_classes if self.num_classes is not None else _classes(table.labels)
        if table.labels is not None and (table.labels.min() < 0 or table.labels.max() >= outputs):
            raise InvalidData(f"Labels must lie in 0..{outputs - 1}, got {table.labels.min()} to {table.labels.max()}.")
        ball = LinearBall(self.beta, outputs, "frobenius", self.contraction)

        def blocks() -> Iterator[tuple[Tensor, Tensor | None]]:
            for views, labels in table.chunks(sampling.rows, sampling.device):
                if self.radius is not None and float(views[0].norm(dim=1).max()) > self.radius * (1 + 1e-6):
                    raise InvalidData(f"A row is longer than `radius` = {self.radius:g}; clip or normalise first.")
                yield views[0], None if labels is None else _one_hot(labels, outputs)

        found = contract(blocks, ball, table.count, table.dim, sampling)
        lower = None
        if table.labels is not None and sampling.search:
            lower = search_below(blocks, ball, table.count, table.dim, found.mean_square, sampling)
        upper, basis, spent = found.closed, "contraction and Jensen; deterministic given the data", 0.0
        if self.radius is not None:
            upper, basis = ball.closed_form(self.radius**2), "contraction and ||z|| <= radius; for every sample"
        elif found.limit is not None:
            upper, spent = found.limit, sampling.delta or 0.0
            basis = "contraction; smaller of the closed form and its Monte-Carlo limit, paid for"
        return Complexity(
            self.name, self.description, table.count, "empirical" if self.radius is None else "expected", upper, basis,
            delta=spent, monte_carlo=found.estimate, lower=lower,
            details={"num_classes": outputs, "closed_form": found.closed, "mean_square_norm": found.mean_square},
        )  # fmt: skip


def _classes(labels: Any) -> int:
    if labels is None:
        raise InvalidOption("LinearHead needs `num_classes`, or data with labels to read it from.")
    return int(labels.max()) + 1


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    return torch.nn.functional.one_hot(labels, classes).to(torch.float64)
