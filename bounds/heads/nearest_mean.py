"""The nearest class mean, which is an affine head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from bounds.heads.kind import widened
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head
from bounds.summaries.classes import ClassMoments


@dataclass(frozen=True)
class NearestMean:
    """`head="nearest_mean"`: the class whose mean μ̂_c is nearest.

    Scores are μ̂_cᵀz − ½‖μ̂_c‖² = ½‖z‖² − ½‖z − μ̂_c‖², so that the head is affine; a class without a row is never
    named.
    """

    refits: ClassVar[bool] = True

    def fit(self, rows: LabeledRows) -> Head:
        """One pass over the rows."""
        moments = ClassMoments.empty(rows.dim, rows.num_classes, rows.device)
        for z, labels in rows.chunks(own=True):
            moments = moments.update(z, labels)
        moments = rows.merged(moments)
        present = (moments.counts > 0).nonzero()[:, 0]
        means = moments.means[present]
        bias = -0.5 * torch.linalg.vector_norm(means, dim=1).square()
        return widened(means, bias, present, rows.num_classes, moments.max_norm, "nearest class mean")
