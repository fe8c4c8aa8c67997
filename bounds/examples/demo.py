"""`bounds demo`: the embedded VICReg and SimCLR encoders, evaluated and compared, all assumptions holding."""

from __future__ import annotations

from typing import Any

from bounds.evaluation import compare, evaluate
from bounds.examples.cifar10 import cifar10
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.report import Comparison

# Class pairs of data that the encoders had not seen; the encoders end in a ReLU and an average.
_DECLARED: dict[str, Any] = {
    "pairs": "class",
    "fresh": True,
    "class_prior": "balanced",
}


def digits_comparison(**options: Any) -> Comparison:
    """Both encoders of scikit-learn's digits, from checkpoint to report.

    The prior is known to be uniform: the digits were collected in equal numbers of each class.

    Args:
        options: Passed to `bounds.evaluate`.
    """
    split = digits()
    declared = {**_DECLARED, "nonnegative": True, **options}
    return compare(CHECKPOINTS, split.labeled, split.unlabeled, test=split.test, **declared)


def cifar10_comparison(**options: Any) -> Comparison:
    """Both encoders of CIFAR-10, from stored representations.

    The prior is known to be uniform: CIFAR-10 has equally many images of each class.

    Args:
        options: Passed to `bounds.evaluate`.
    """
    reports = {}
    for method in ("VICReg", "SimCLR"):
        data = cifar10(method)
        declared = {**_DECLARED, "name": method, **options}
        reports[method] = evaluate(None, data.labeled, data.unlabeled, test=data.test, **declared)
    return compare(reports)
