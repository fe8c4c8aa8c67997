"""Class-distance-normalised variances: spread of classes in units of the distance between their means."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics
from bounds.summaries.classes import ClassMoments


def class_distances(classes: ClassMoments, chunks: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """CDNV and directional CDNV over ordered pairs of the classes present.

    CDNV: mean of (v_1 + v_2)/(2‖μ_1 − μ_2‖²), v = E‖f − μ‖². Directional: mean of
    E_1[((f − μ_1)ᵀu)²]/‖μ_1 − μ_2‖² with u the unit vector between the means. Plug-in values.

    Args:
        classes: Moments of the labeled items.
        chunks: The same items again, (z (N, d), labels (N,)).

    Raises:
        InvalidStatistics: fewer than two classes, or two classes with one mean.

    Source: Galanti, György and Hutter (2022) for CDNV; Luthra, Yang and Galanti (2025) for the directional
        one.
    """
    present = classes.counts > 0
    if int(present.sum()) < 2:
        raise InvalidStatistics("Class distances need at least two classes.")
    means, counts = classes.means[present], classes.counts[present].double()
    square = torch.cdist(means, means, compute_mode="donot_use_mm_for_euclid_dist").square()
    square.fill_diagonal_(torch.inf)
    if float(square.min()) == 0.0:
        raise InvalidStatistics(
            "Two classes have the same mean; their distance-normalised variance is infinite."
        )
    pairs = len(means) * (len(means) - 1)
    variance = classes.scatter[present] / counts
    ratio = float(((variance[:, None] + variance[None, :]) / (2 * square)).sum()) / pairs
    index = torch.cumsum(present, 0) - 1
    projected = torch.zeros_like(square)
    for z, y in chunks:
        rows = index[y]
        along = (z - means[rows]) @ means.T
        along = along - along.gather(1, rows[:, None])
        projected.index_add_(0, rows, along.square())
    return ratio, float((projected / counts[:, None] / square.square()).sum()) / pairs
