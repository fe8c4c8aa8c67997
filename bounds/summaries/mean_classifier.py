"""Measured losses of the mean classifier f(x) ↦ arg max_c f(x)ᵀμ_c: what contrastive bounds speak about."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics


@dataclass(frozen=True)
class MeanClassifier:
    """Losses of the classifier whose rows are class means, weighted by the prior over classes.

    Attributes:
        count: Labeled items measured on.
        hinge, logistic: Two-class losses of f(x)ᵀ(μ_y − μ_c), pairs y ≠ c weighted p_y p_c/(1 − Σp²).
        softmax: Cross-entropy of softmax(f(x)ᵀμ_c/t), nats.
        error: K-way error rate.
    """

    count: int
    hinge: float
    logistic: float
    softmax: float
    error: float


def mean_classifier(
    means: Tensor,
    prior: Tensor,
    chunks: Iterable[tuple[Tensor, Tensor]],
    *,
    scale: float = 1.0,
    temperature: float = 1.0,
) -> MeanClassifier:
    """Measure on labeled items; comparison numbers without a confidence, as μ_c are empirical.

    Args:
        means: (K, d), one row per class.
        prior: Class weights p (K,); classes of weight zero, or absent from the items, are left out.
        chunks: (z (N, d), labels (N,)), float64; z may be any items, labels in 0..K−1.
        scale: s of the two-class losses, f ↦ s·f.
        temperature: t of the softmax.

    Raises:
        InvalidStatistics: no items, or fewer than two classes with weight.
    """
    total = torch.zeros(4, len(means), dtype=torch.float64, device=means.device)
    counts = torch.zeros(len(means), dtype=torch.float64, device=means.device)
    weight = prior.to(total)
    off = weight.expand(len(means), -1) * (
        1 - torch.eye(len(means), dtype=torch.float64, device=means.device)
    )
    used = weight > 0
    if int(used.sum()) < 2:
        raise InvalidStatistics("The mean classifier needs at least two classes of positive probability.")
    for z, y in chunks:
        score = (z @ means.T).masked_fill(~used, -math.inf)
        own = score.gather(1, y[:, None])
        margin = scale * scale * (own - score)
        ones = torch.stack(
            (
                _mean_over(off[y], (1 - margin).clamp_min(0)),
                _mean_over(off[y], torch.nn.functional.softplus(-margin) / math.log(2.0)),
                torch.logsumexp(score / temperature, 1) - own[:, 0] / temperature,
                (score.argmax(1) != y).double(),
            )
        )
        total.index_add_(1, y, ones)
        counts += torch.bincount(y, minlength=len(means))
    if not float(counts.sum()):
        raise InvalidStatistics("The mean classifier needs at least one labeled item.")
    present = (counts > 0) & used
    share = torch.where(present, weight, 0.0)
    per_class = total[:, present] / counts[present]
    values = (per_class * share[present] / share.sum()).sum(1)
    apart = (per_class[:2] * weight[present]).sum(1) / (weight[present] * (1 - weight[present])).sum()
    return MeanClassifier(
        int(counts.sum()), float(apart[0]), float(apart[1]), float(values[2]), float(values[3])
    )


def _mean_over(weight: Tensor, losses: Tensor) -> Tensor:
    """Σ_c p_c ℓ_c per item; classes of weight zero do not count, whatever their score."""
    return torch.where(weight > 0, weight * losses, 0.0).sum(1)
