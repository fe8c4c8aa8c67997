"""The nearest class mean, which is an affine head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from bounds.heads.kind import widened
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head
from bounds.summaries.classes import ClassMoments

_ROUNDING = 2.0**-49  # of a mean of rows: 16 times the spacing of float64


@dataclass(frozen=True)
class NearestMean:
    """`head="nearest_mean"`: the class whose mean μ̂_c is nearest.

    Scores are ½‖z − m‖² − ½‖z − μ̂_c‖² = (μ̂_c − m)ᵀz − ½(μ̂_c − m)ᵀ(μ̂_c + m), m the mean of the class means, so that
    the head is affine and what all classes have in common cancels before it is multiplied; a class without a row is
    never named.
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
        middle = means[0] + (means - means[0]).mean(0)
        weight = means - middle
        spread = (moments.scatter.sum() / moments.count).sqrt()
        rounding = _ROUNDING * (means.abs().amax(0) + spread)
        weight = torch.where(weight.abs() <= rounding, 0.0, weight)  # equal means are equal scores
        bias = -0.5 * (weight * (means + middle)).sum(1)
        return widened(weight, bias, present, rows.num_classes, moments.max_norm, "nearest class mean")
