"""The information-theoretic reading of a class's size: an estimate, never a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bounds.complexity.record import Complexity
from bounds.complexity.sampling import Sampling
from bounds.errors import InvalidOption
from bounds.representations.arrays import as_table


@dataclass(frozen=True)
class Information:
    r"""ln|F| read as 2^{I(Z;X)}, I in bits, that is e^I with I in nats (Shwartz-Ziv et al. 2023).

    Put into Massart's lemma with the given encoder standing for the largest member of the class,
    R ~ sqrt(2 e^I mean_i a_i^2), a_i = ||f(x_i^+) - f(x_i^{++})||. Two heuristic steps and a mutual
    information that is itself estimated: `status` is "estimate", and no theorem may use it as an upper bound.

    Attributes:
        nats: I(Z; X) in nats.

    Example:
        >>> import math
        >>> import torch
        >>> from bounds.complexity import Information, rademacher
        >>> found = rademacher((torch.eye(3), torch.zeros(3, 3)), Information(nats=math.log(2)))
        >>> round(found.upper, 3), found.status  # √(2 · 2 · 1)
        (2.0, 'estimate')
    """

    nats: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.nats) and self.nats >= 0):
            raise InvalidOption(f"`nats` must be a finite information of 0 or more, got {self.nats}.")

    @property
    def name(self) -> str:
        """Name with parameters."""
        return f"Information(nats={self.nats:g})"

    @property
    def description(self) -> str:
        """The class in words."""
        return f"a class whose log size is read off I(Z;X) = {self.nats:g} nats"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """The estimate on pairs (z1, z2)."""
        table = as_table(data, pairs=True)

        def own() -> tuple[Tensor, ...]:
            square = torch.zeros((), dtype=torch.float64, device=sampling.device)
            for _, (first, second), _ in sampling.blocks(table):
                square += (first - second).square().sum()
            return (square,)

        square = float(sampling.total(own)[0])
        # sqrt(e^I) as e^{I/2}: finite up to twice the exponent.
        size = math.exp(self.nats / 2) if self.nats < 1400 else math.inf
        value = 0.0 if square == 0 else size * math.sqrt(2 * square / table.count)
        return Complexity(
            self.name, self.description, table.count, "empirical", value,
            "an estimate: ln|F| read as e^I, the encoder standing for its class", "estimate",
        )  # fmt: skip
