"""k nearest neighbours by cosine, weighted, in blocked products: the evaluation of DINO and of instance discrimination."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from bounds.errors import InvalidOption, NotApplicable
from bounds.heads.fitted import FittedHead
from bounds.heads.labeled_rows import LabeledRows

TEMPERATURE = 0.07
_BLOCK = 2**23  # cosines held at once
_ROUNDING = 2.0**-44  # of a product of unit rows in float64
_SPARE = 8  # candidates beyond k, against the rounding of the float32 products


@dataclass(frozen=True)
class NearestNeighbours:
    """`head=("knn", k)`: the k rows of largest cosine vote with weight exp(cos/0.07) (Wu et al. 2018, eq. 3).

    Raises:
        InvalidOption: unless k is a positive whole number.
    """

    neighbours: int = 20
    refits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if type(self.neighbours) is not int or self.neighbours < 1:
            raise InvalidOption(
                f"`head` must be ('knn', k) with k a positive whole number, got k = {self.neighbours!r}."
            )

    def fit(self, rows: LabeledRows) -> NeighbourHead:
        """Keeps the rows, scaled to length one.

        Raises:
            NotApplicable: fewer rows than neighbours.
        """
        if rows.count < self.neighbours:
            raise NotApplicable(
                f"needs at least k = {self.neighbours} labeled rows for this head, got {rows.count}."
            )
        z, labels = rows.read()
        return NeighbourHead(
            unit_rows(z), labels, self.neighbours, rows.num_classes, f"{self.neighbours} nearest neighbours"
        )


@dataclass(frozen=True, eq=False)
class NeighbourHead(FittedHead):
    """Votes of the nearest rows; rows as near as the k-th share the places that are left, whatever their order.

    Attributes:
        rows: (n, d) float64 of length one (or zero).
        labels: (n,) class indices.
        neighbours: k.
        num_classes: K.
    """

    rows: Tensor
    labels: Tensor
    neighbours: int
    num_classes: int
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "_single", self.rows.float())

    def renamed(self, name: str) -> NeighbourHead:
        """The same rows under another name."""
        return replace(self, name=name)

    def to(self, device: torch.device | str) -> NeighbourHead:
        """The same rows on a device."""
        return replace(self, rows=self.rows.to(device), labels=self.labels.to(device))

    def __call__(self, z: Tensor) -> Tensor:
        """Share of the votes of each class, (N, K); rows of one vote sum to one."""
        size = max(1, _BLOCK // len(self.rows))
        return torch.cat([self._votes(part) for part in torch.split(unit_rows(z), size)])

    def _votes(self, z: Tensor) -> Tensor:
        k = self.neighbours
        cosines, near = self._nearest(z, min(k + 1, len(self.rows)))
        weights = _weights(cosines[:, :k], cosines[:, :1])
        votes = z.new_zeros(len(z), self.num_classes).scatter_add_(
            1, self.labels[near[:, :k]].long(), weights
        )
        tied = (cosines[:, k:] >= cosines[:, k - 1 : k] - _ROUNDING).any(1).nonzero()[:, 0]
        if len(tied):
            votes[tied] = self._shared(z[tied], cosines[tied, 0], cosines[tied, k - 1])
        return votes / votes.sum(1, keepdim=True)

    def _shared(self, z: Tensor, first: Tensor, last: Tensor) -> Tensor:
        """Votes where more than k rows are as near as the k-th, whose cosine is `last`."""
        cosines, last = z @ self.rows.T, last[:, None]
        nearer, as_near = cosines > last + _ROUNDING, (cosines - last).abs() <= _ROUNDING
        places = self.neighbours - nearer.sum(1, keepdim=True)
        weights = torch.where(nearer, _weights(cosines, first[:, None]), 0.0)
        share = _weights(last, first[:, None]) * places / as_near.sum(1, keepdim=True)
        weights = torch.where(as_near, share, weights)
        return z.new_zeros(len(z), self.num_classes).index_add_(1, self.labels.long(), weights)

    def _nearest(self, z: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Cosines and indices (N, k) of the nearest rows, the nearest first, ordered by the float64 products.

        Candidates come from products in float32. They hold the k nearest if the last candidate lies below the k-th
        cosine by more than float32 can err; the few rows where that is open are done again in float64.
        """
        count = len(self.rows)
        single: Tensor = self._single  # type: ignore[attr-defined]
        if count <= k + _SPARE:
            return _largest(z @ self.rows.T, k)
        rough, candidates = (z.float() @ single.T).topk(k + _SPARE, dim=1)
        exact = torch.einsum("nd,nkd->nk", z, self.rows[candidates])
        cosines, order = _largest(exact, k)
        near = candidates.gather(1, order)
        error = 2.0 * (z.shape[1] + 4) * torch.finfo(torch.float32).eps  # of a product of unit rows
        open_ = (cosines[:, -1] <= rough[:, -1].double() + error).nonzero()[:, 0]
        if len(open_):
            cosines[open_], near[open_] = _largest(z[open_] @ self.rows.T, k)
        return cosines, near


def unit_rows(z: Tensor) -> Tensor:
    """Rows scaled to length one; zero stays zero."""
    largest = z.abs().amax(dim=1, keepdim=True)
    z = z / torch.where(largest > 0, largest, 1.0)  # squares neither over- nor underflow
    norm = torch.linalg.vector_norm(z, dim=1, keepdim=True)
    return z / torch.where(norm > 0, norm, 1.0)


def _weights(cosines: Tensor, first: Tensor) -> Tensor:
    return torch.exp((cosines - first) / TEMPERATURE)  # the common factor drops out of the shares


def _largest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    found = values.topk(k, dim=1)
    return found.values, found.indices
