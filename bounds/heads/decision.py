"""How scores become an answer: which class, which set of classes, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bounds.draws import uniforms
from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex

_STREAM = 17  # of the noise of a random head
_SMALLEST = 2.0**-54  # in place of a uniform number that is zero


def score_gap(scores: Tensor) -> Tensor:
    """How sure a head is of each row (N,): the gap between its two largest scores; infinite for a single class."""
    if scores.shape[1] == 1:
        return scores.new_full((len(scores),), torch.inf)
    top = scores.topk(2, dim=1).values
    return top[:, 0] - top[:, 1]


@dataclass(frozen=True, eq=False)
class Decision:
    """What a certificate's predictor makes of the scores of its head.

    Attributes:
        projected: Scores are projected on the simplex, which keeps the largest.
        top: Size of the set of classes that is the answer.
        threshold: Rows whose `score_gap` is not above it get no answer; None answers all.
        noise: A matrix B (r, d): a random head adds N(0, ‖Bz‖²) to every score of a row z; None adds nothing.
        seed: Of that noise, which belongs to the row's number.
    """

    projected: bool = False
    top: int = 1
    threshold: float | None = None
    noise: Tensor | None = None
    seed: int = 0

    def scores(self, head: FittedHead, z: Tensor, first_row: int = 0) -> Tensor:
        """Scores (N, K) of rows z (N, d), the first of which has the number `first_row`."""
        found = head(z)
        if self.noise is not None:
            rows = np.arange(first_row, first_row + len(z))
            draws = torch.from_numpy(uniforms(self.seed, rows, _STREAM, found.shape[1])).to(found)
            normal = torch.special.ndtri(draws.clamp_min(_SMALLEST))
            found = found + normal * torch.linalg.vector_norm(z @ self.noise.to(z).T, dim=1, keepdim=True)
        return project_simplex(found) if self.projected else found

    def answered(self, scores: Tensor) -> Tensor:
        """Which rows get an answer, (N,) bool."""
        if self.threshold is None:
            return torch.ones(len(scores), dtype=torch.bool, device=scores.device)
        return score_gap(scores) > self.threshold
