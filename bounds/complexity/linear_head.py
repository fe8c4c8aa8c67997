"""Heads of bounded Frobenius norm on a frozen encoder: the complexity of W o f."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.complexity.linear import check_radius, evaluate_linear
from bounds.complexity.linear_ball import Contraction, LinearBall
from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidData, InvalidOption
from bounds.representations.arrays import as_table


@dataclass(frozen=True)
class LinearHead:
    r"""{(z, y) -> ||e_y - W z|| : ||W||_F <= beta}, z = f(x) of one frozen encoder, e_y one of K corners.

    Upper: sqrt(2) beta sqrt(K mean ||z||^2) (Maurer 2016), or with contraction="gaussian" sqrt(pi/2) in place
    of sqrt(2).

    Attributes:
        beta: Bound on the Frobenius norm of the head, fixed before the data.
        num_classes: K; read off the labels when None.
        radius: A bound B on ||z|| fixed before the data: then `upper` uses B and also bounds the expected
            complexity.
        contraction: "maurer" or "gaussian".

    Example:
        >>> import torch
        >>> from bounds.complexity import LinearHead, rademacher
        >>> data = torch.eye(4), torch.tensor([0, 1, 0, 1])
        >>> round(rademacher(data, LinearHead(beta=1.0, radius=3.0), draws=20).upper, 3)  # √2 β √(K B²)
        6.0
    """

    beta: float
    num_classes: int | None = None
    radius: float | None = None
    contraction: Contraction = "maurer"

    def __post_init__(self) -> None:
        LinearBall(self.beta, 1, "frobenius", self.contraction)
        check_radius(self.radius)

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
        table = as_table(data)
        outputs = self.num_classes if self.num_classes is not None else _classes(table.labels)
        if table.labels is not None and (table.labels.min() < 0 or table.labels.max() >= outputs):
            raise InvalidData(
                f"Labels must lie in 0..{outputs - 1}, got {table.labels.min()} to {table.labels.max()}."
            )
        ball = LinearBall(self.beta, outputs, "frobenius", self.contraction)

        def blocks() -> Iterator[tuple[range, Tensor, Tensor | None]]:
            for rows, views, labels in sampling.blocks(table):
                yield rows, views[0], None if labels is None else _one_hot(labels, outputs)

        return evaluate_linear(
            self.name, self.description, blocks, ball, (table.count, table.dim), self.radius,
            table.labels is not None, sampling,
        )  # fmt: skip


def _classes(labels: Any) -> int:
    if labels is None:
        raise InvalidOption("LinearHead needs `num_classes`, or data with labels to read it from.")
    return int(labels.max()) + 1


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    return torch.nn.functional.one_hot(labels, classes).to(torch.float64)
