"""The protocol of every head: rows with labels in, scores out."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from bounds.heads.fitted import FittedHead
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.linear import Head


class HeadKind(Protocol):
    """How a head is made from labeled rows; frozen data, so that equal options fit equal heads.

    Attributes:
        refits: Whether `fit` depends on the rows it gets and on nothing else: only then may rows that it did not get be
            counted on.

    Example:
        >>> from bounds.heads import HeadKind, head_kind
        >>> kind: HeadKind = head_kind("nearest_mean")
        >>> kind.refits
        True
    """

    @property
    def refits(self) -> bool:
        """See the class."""

    def fit(self, rows: LabeledRows) -> FittedHead:
        """The head on these rows."""


def present_classes(labels: Tensor, num_classes: int) -> Tensor:
    """Indices of the classes with a row, ascending."""
    return torch.bincount(labels.long(), minlength=num_classes).nonzero()[:, 0]


def widened(
    weight: Tensor, bias: Tensor, present: Tensor, num_classes: int, longest: float, name: str
) -> Head:
    """An affine head over all K classes from one over those present, weight (P, d), bias (P,).

    The score of an absent class is a constant below every other score of rows no longer than `longest`.
    """
    below = float((bias - torch.linalg.vector_norm(weight, dim=1) * longest).min()) - 1.0
    full = weight.new_zeros(num_classes, weight.shape[1])
    offset = bias.new_full((num_classes,), below)
    full[present], offset[present] = weight, bias
    return Head(full, offset, name)
