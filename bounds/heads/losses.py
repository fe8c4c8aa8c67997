"""Losses of a head on a stream of labeled vectors: a summary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex
from bounds.summaries.decision import decide
from bounds.summaries.moments import Moments


@dataclass(frozen=True)
class HeadLosses:
    """Losses of one head over labeled vectors; columns of `moments` in the order of the properties.

    The arg max breaks ties against the head: a tied score counts as an error, so that a collapsed
    representation is never called correct by the order of its classes.

    Example:
        >>> import torch
        >>> from bounds.heads import Head, HeadLosses
        >>> z, labels = torch.eye(2), torch.tensor([0, 0])
        >>> losses = HeadLosses.of(Head(torch.eye(2), None, "W"), [(z, labels)])
        >>> losses.error, round(losses.mean_residual, 3)  # right, and wrong by ‖e₁ − e₂‖ = √2
        (0.5, 0.707)
    """

    moments: Moments

    @classmethod
    def of(cls, head: FittedHead, chunks: Iterable[tuple[Tensor, Tensor]]) -> HeadLosses:
        """Stream chunks of (z (N, d), labels (N,)) through the head."""
        return cls.of_many([head], chunks)[0]

    @classmethod
    def of_many(
        cls, heads: Sequence[FittedHead], chunks: Iterable[tuple[Tensor, Tensor]]
    ) -> list[HeadLosses]:
        """The same for several heads in one pass over the chunks."""
        totals = [Moments.empty(4) for _ in heads]
        for z, labels in chunks:
            for j, head in enumerate(heads):
                totals[j] = totals[j].update(item_losses(head(z), labels).cpu())
        return [cls(total) for total in totals]

    def merge(self, other: HeadLosses) -> HeadLosses:
        """Losses over both streams."""
        return HeadLosses(self.moments.merge(other.moments))

    @property
    def count(self) -> int:
        """Number of items N."""
        return self.moments.count

    @property
    def mean_residual(self) -> float:
        """(1/N) Σ‖W z_i − y_i‖."""
        return float(self.moments.mean[0])

    @property
    def rms_residual(self) -> float:
        """sqrt((1/N) Σ‖W z_i − y_i‖²); N times its square is the squared Frobenius norm of the residual."""
        return float(self.moments.root_mean_square[0])

    @property
    def projected_residual(self) -> float:
        """(1/N) Σ‖Π(W z_i) − y_i‖."""
        return float(self.moments.mean[1])

    @property
    def mean_square(self) -> float:
        """(1/N) Σ‖W z_i − y_i‖²."""
        return float(self.moments.mean[2])

    @property
    def error(self) -> float:
        """Share of items whose largest score is not strictly that of their class."""
        return float(self.moments.mean[3])

    @property
    def mistakes(self) -> int:
        """Number of errors."""
        return round(self.error * self.count)


def item_losses(scores: Tensor, labels: Tensor) -> Tensor:
    """Of each item, (N, 4): ‖W z − y‖, ‖Π(W z) − y‖, ‖W z − y‖², and whether the head errs."""
    labels = labels.long()
    own, minus_one = labels[:, None], scores.new_full((len(scores), 1), -1.0)
    residual = torch.linalg.vector_norm(scores.scatter_add(1, own, minus_one), dim=1)
    projected = torch.linalg.vector_norm(project_simplex(scores).scatter_add_(1, own, minus_one), dim=1)
    wrong = decide(scores) != labels
    return torch.stack([residual, projected, residual.square(), wrong.double()], dim=1)
