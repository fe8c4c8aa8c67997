"""A head that somebody else made: any callable from rows to scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.heads.fitted import FittedHead
from bounds.heads.labeled_rows import LabeledRows


@dataclass(frozen=True)
class Given:
    """`head=function`: (N, d) float64 tensor -> scores (N, K), as it is.

    Nothing says which rows the function was made from, so only what is counted on the test items, or holds for every
    head, speaks about it.
    """

    function: Callable[[Tensor], Any]
    refits: ClassVar[bool] = False

    def fit(self, rows: LabeledRows) -> GivenHead:
        """The function itself, whatever the rows."""
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return GivenHead(self.function, rows.num_classes, f"given head {name}")


@dataclass(frozen=True)
class GivenHead(FittedHead):
    """A function whose scores are checked at every call."""

    function: Callable[[Tensor], Any]
    num_classes: int
    name: str

    def renamed(self, name: str) -> GivenHead:
        """The same function under another name."""
        return replace(self, name=name)

    def __call__(self, z: Tensor) -> Tensor:
        """Scores (N, K).

        Raises:
            InvalidData: another shape, or scores that are not finite.
        """
        with torch.no_grad():
            scores = torch.as_tensor(self.function(z))
        if tuple(scores.shape) != (len(z), self.num_classes) or not bool(torch.isfinite(scores).all()):
            raise InvalidData(
                f"The {self.name} must return finite scores of shape ({len(z)}, {self.num_classes}) for {len(z)} rows, "
                f"got shape {tuple(scores.shape)}; return one finite score a class."
            )
        return scores.to(z)
