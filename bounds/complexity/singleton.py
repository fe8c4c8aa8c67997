"""One function fixed before the data: complexity zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bounds.complexity.record import Complexity, Estimate
from bounds.complexity.sampling import Sampling
from bounds.representations.arrays import as_table


@dataclass(frozen=True)
class Singleton:
    """{f}, the encoder fixed before the pairs were seen (held-out mode, A3): E sum xi_i h(i) = 0.

    Args:
        name, description: What a report calls it.

    Example:
        >>> import torch
        >>> from bounds.complexity import Singleton, rademacher
        >>> rademacher((torch.eye(3), torch.zeros(3, 3)), Singleton()).upper
        0.0
    """

    name: str = "Singleton"
    description: str = "one encoder, fixed before the data"

    def evaluate(self, data: Any, sampling: Sampling, encoder: Any = None) -> Complexity:
        """Zero, for every sample."""
        m = as_table(data).count
        return Complexity(
            self.name, self.description, m, "expected", 0.0, "exact, for every sample",
            monte_carlo=Estimate(0.0, 0.0, 0.0, sampling.level, sampling.draws, "the complexity"),
        )  # fmt: skip
