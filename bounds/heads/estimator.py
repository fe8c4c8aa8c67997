"""Any classifier with scikit-learn's interface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption, NotApplicable
from bounds.heads.fitted import FittedHead
from bounds.heads.kind import widened
from bounds.heads.labeled_rows import LabeledRows


@dataclass(frozen=True)
class Estimator:
    """`head=LinearSVC()`: a copy of the classifier is fitted on each set of rows.

    Where the fitted classifier is a linear map (`coef_`, `intercept_`) the head is that map, so that bounds on linear heads
    speak about it too.

    Raises:
        InvalidOption: something that is no classifier.
    """

    estimator: Any
    refits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        from sklearn.base import is_classifier

        if not is_classifier(self.estimator):
            raise InvalidOption(
                f"`head` must be a classifier of scikit-learn's kind, got {type(self.estimator).__name__}; "
                "regressors and clusterings have no classes to name."
            )

    def fit(self, rows: LabeledRows) -> FittedHead:
        """The classifier on the rows, which it gets as float64 arrays.

        Raises:
            NotApplicable: what the classifier itself refuses, a single class for instance.
            InvalidData: a linear map that is not finite.
        """
        from sklearn.base import clone

        z, labels = (one.cpu().numpy() for one in rows.read())
        fitted = clone(self.estimator)
        try:
            fitted.fit(z, labels)
        except ValueError as error:
            raise NotApplicable(
                f"needs rows on which {type(fitted).__name__} can be fitted: {error}"
            ) from error
        name = type(fitted).__name__
        head = EstimatorHead(fitted, rows.num_classes, name)
        return _as_map(head, z, rows.device) or head


@dataclass(frozen=True, eq=False)
class EstimatorHead(FittedHead):
    """Decision values, probabilities, or 0 and 1 where the classifier has neither; absent classes lie below.

    The label that `predict` names has the largest score: some classifiers (`SVC`) decide otherwise than by theirs, then
    that class is lifted just above the others. A class that `predict` picks among equal scores is not: that is a tie.
    """

    fitted: Any
    num_classes: int
    name: str

    def renamed(self, name: str) -> EstimatorHead:
        """The same classifier under another name."""
        return replace(self, name=name)

    def __call__(self, z: Tensor) -> Tensor:
        """Scores (N, K).

        Raises:
            InvalidData: scores that are not finite.
        """
        rows = z.cpu().numpy()
        classes = torch.as_tensor(np.asarray(self.fitted.classes_).astype(np.int64))
        own = _scores(self.fitted, rows)
        if own is not None and not bool(torch.isfinite(own).all()):
            raise InvalidData(
                f"The head {self.name} returned scores that are not finite; mend the classifier."
            )
        predicted = torch.from_numpy(np.asarray(self.fitted.predict(rows)).astype(np.int64))
        if own is None:
            own = (predicted[:, None] == classes).double()
        scores = own.new_zeros(len(own), self.num_classes)
        scores += own.amin(1, keepdim=True) - 1.0
        scores[:, classes] = own
        other = scores.gather(1, predicted[:, None])[:, 0] < scores.amax(1)
        if bool(other.any()):
            top = scores[other].amax(1)
            scores[other, predicted[other]] = top + 1e-9 * (1.0 + top.abs())
        return scores.to(z)


def _scores(fitted: Any, rows: np.ndarray) -> Tensor | None:
    if hasattr(fitted, "decision_function"):
        found = torch.from_numpy(np.asarray(fitted.decision_function(rows), dtype=np.float64))
        if found.ndim == 1:
            return torch.stack([-found, found], dim=1)
        # One-against-one decisions have a column a pair of classes: they are no scores of classes.
        return found if found.shape[1] == len(fitted.classes_) else None
    if hasattr(fitted, "predict_proba"):
        return torch.from_numpy(np.asarray(fitted.predict_proba(rows), dtype=np.float64))
    return None


def _as_map(head: EstimatorHead, z: np.ndarray, device: torch.device | str) -> FittedHead | None:
    """The linear map of a linear classifier."""
    from sklearn.linear_model._base import LinearClassifierMixin

    fitted = head.fitted
    if not isinstance(fitted, LinearClassifierMixin):
        return None
    weight = torch.from_numpy(np.atleast_2d(np.asarray(fitted.coef_, dtype=np.float64)))
    bias = torch.from_numpy(np.atleast_1d(np.asarray(fitted.intercept_, dtype=np.float64))).expand(
        len(weight)
    )
    if len(weight) == 1:
        weight, bias = torch.cat([-weight, weight]), torch.cat([-bias, bias])
    if not bool(torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise InvalidData(f"The head {head.name} has weights that are not finite; mend the classifier.")
    present = torch.as_tensor(np.asarray(fitted.classes_).astype(np.int64))
    longest = float(np.linalg.norm(z, axis=1).max())
    return widened(weight.to(device), bias.to(device), present, head.num_classes, longest, head.name)
