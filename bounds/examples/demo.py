"""`bounds demo`: the embedded VICReg and SimCLR encoders of scikit-learn's digits, evaluated and compared."""

from __future__ import annotations

from typing import Any

from bounds.certificate import Comparison, compare
from bounds.examples.digits import CHECKPOINTS, digits


def digits_comparison(**options: Any) -> Comparison:
    """Both encoders on the same digits: class pairs, fresh data, so that every assumption holds.

    The prior is known to be uniform: the digits were collected in equal numbers of each class.

    Args:
        options: Passed to `bounds.evaluate`.
    """
    split = digits()
    return compare(
        CHECKPOINTS,
        split.labeled,
        split.unlabeled,
        test=split.test,
        pairs="class",
        labeled_is_fresh=True,
        unlabeled_is_fresh=True,
        class_prior="balanced",
        nonnegative=True,  # the encoder ends in a ReLU and an average
        **options,
    )
