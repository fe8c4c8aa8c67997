"""Rules made from m shots a class: the nearest class mean, ridge regression, the k nearest shots. Ties are errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

_RECHECKED = 2**22  # entries of differences that are taken once more in float64
_ROWS = 2048  # that are centred at a time


class Rule(Protocol):
    """What is made from the shots of an episode."""

    def prepare(self, z: Tensor) -> Any:
        """What the rule reads of the rows (n, d), float64."""

    def wrong(self, z: Any, index: Tensor) -> Tensor:
        """Whether each query is named wrongly, (E, w), for episodes of items (E, w, m + 1), the query last."""


def _rows(z: Tensor, index: Tensor) -> Tensor:
    """z[index], several times as fast."""
    return z.index_select(0, index.reshape(-1)).view(*index.shape, z.shape[1])


@dataclass(frozen=True)
class Rows:
    """Rows (n, d) in float64, their mean, and the rows around it in float32 for a first look, the largest at norm one."""

    given: Tensor
    centre: Tensor
    rough: Tensor
    largest: float

    @classmethod
    def of(cls, z: Tensor) -> Rows:
        """Distances do not change where the origin moves; fewer digits cancel near it."""
        centre, parts = z.mean(0), torch.split(z, _ROWS)
        norms = [torch.linalg.vector_norm(part - centre, dim=1).amax() for part in parts if len(part)]
        largest = float(torch.stack(norms).amax()) or 1.0 if norms else 1.0
        rough = torch.empty(z.shape, dtype=torch.float32, device=z.device)
        for part, out in zip(parts, torch.split(rough, _ROWS), strict=True):
            out.copy_((part - centre) / largest)
        return cls(z, centre, rough, largest)

    def exact(self, index: Tensor) -> Tensor:
        """Rows around the mean in float64, (*index, d)."""
        return _rows(self.given, index) - self.centre

    def slack(self, dtype: torch.dtype) -> float:
        """More than the rounding of a difference of squared distances, the largest row at norm one."""
        return 4 * (self.given.shape[1] + 16) * torch.finfo(dtype).eps


@dataclass(frozen=True)
class Mean:
    """The class whose mean of shots is nearest.

    What float32 cannot tell is looked at once more in float64, where equality up to rounding is a tie.
    """

    def prepare(self, z: Tensor) -> Rows:
        """In two precisions: most comparisons are far from a tie."""
        return Rows.of(z)

    def wrong(self, z: Rows, index: Tensor) -> Tensor:
        """Whether some other mean is at least as near."""
        gap, slack = self._gap(z, index), z.slack(torch.float32)
        least = gap.amin(2)
        wrong = least <= 0
        e, i = (least.abs() <= slack).nonzero().unbind(1)
        row, j = (gap[e, i] <= slack).nonzero().unbind(1)
        lost = torch.zeros(len(e), dtype=torch.bool, device=gap.device)
        lost[row[self._lost(z, index, e[row], i[row], j)]] = True
        wrong[e, i] = lost
        return wrong

    def lost(self, z: Rows, index: Tensor) -> Tensor:
        """Whether query i is at least as near to the mean of class j ≠ i as to its own, (E, w, w)."""
        gap = self._gap(z, index)
        lost = gap <= 0
        e, i, j = (gap.abs_() <= z.slack(torch.float32)).nonzero().unbind(1)
        lost[e, i, j] = self._lost(z, index, e, i, j)
        return lost

    def _gap(self, z: Rows, index: Tensor) -> Tensor:
        """‖x − μ̂_j‖² − ‖x − μ̂_i‖² of query i in float32, infinite for j = i, (E, w, w)."""
        E, w, m = index.shape[0], index.shape[1], index.shape[2] - 1
        shots, queries = index[..., :-1].reshape(E * w, m), _rows(z.rough, index[..., -1])
        sums = torch.nn.functional.embedding_bag(shots, z.rough, mode="sum").view(E, w, -1)
        norms = torch.linalg.vecdot(sums, sums)[:, None, :]
        gap = torch.baddbmm(norms, queries, sums.transpose(1, 2), beta=1.0 / m**2, alpha=-2.0 / m)
        gap -= gap.diagonal(dim1=1, dim2=2)[:, :, None].clone()
        gap.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        return gap

    def _lost(self, z: Rows, index: Tensor, e: Tensor, i: Tensor, j: Tensor) -> Tensor:
        """Whether query i of episode e is at least as near to the mean of class j as to its own, in float64."""
        lost = torch.empty(len(e), dtype=torch.bool, device=index.device)
        step = max(1, _RECHECKED // (z.given.shape[1] * index.shape[2]))
        for start in range(0, len(e), step):
            at = slice(start, start + step)
            x = z.exact(index[e[at], i[at], -1])
            near, far = (z.exact(index[e[at], one[at], :-1]).mean(1) for one in (i, j))
            apart = ((near - far) * (2 * x - near - far)).sum(1)  # ‖x − far‖² − ‖x − near‖²
            lost[at] = apart <= z.slack(torch.float64) * z.largest**2
        return lost


@dataclass(frozen=True)
class Ridge:
    """The largest score of the minimiser of (1/N)Σ‖Wz − e_y‖² + λ‖W‖_F² over the N shots of an episode."""

    penalty: float

    def prepare(self, z: Tensor) -> Tensor:
        """The rows themselves: no intercept, so the origin matters."""
        return z

    def wrong(self, z: Tensor, index: Tensor) -> Tensor:
        """Scores through the kernel matrix of the shots."""
        E, w, size = index.shape
        shots = z[index[..., :-1].reshape(E, -1)]
        targets = torch.eye(w, dtype=z.dtype, device=z.device).repeat_interleave(size - 1, 0)
        count = shots.shape[1]
        if count <= z.shape[1]:
            kernel = shots @ shots.transpose(1, 2)
            kernel.diagonal(dim1=1, dim2=2).add_(self.penalty * count)
            dual = torch.linalg.solve(kernel, targets.expand(E, -1, -1))
            head = shots.transpose(1, 2) @ dual
        else:
            second = shots.transpose(1, 2) @ shots
            second.diagonal(dim1=1, dim2=2).add_(self.penalty * count)
            head = torch.linalg.solve(second, shots.transpose(1, 2) @ targets)
        scores = z[index[..., -1]] @ head
        rest = scores - scores.diagonal(dim1=1, dim2=2)[:, :, None]
        rest.diagonal(dim1=1, dim2=2).fill_(-torch.inf)
        wrong: Tensor = rest.amax(2) >= -1e-9 * (1 + scores.abs().amax(2))
        return wrong


@dataclass(frozen=True)
class Nearest:
    """The class with most of the k nearest shots; of shots equally near those of another class come first."""

    k: int

    def prepare(self, z: Tensor) -> Tensor:
        """Around their mean."""
        return z - z.mean(0)

    def wrong(self, z: Tensor, index: Tensor) -> Tensor:
        """Whether some other class has at least as many."""
        E, w, size = index.shape
        shots = z[index[..., :-1].reshape(E, -1)]
        distance = torch.cdist(z[index[..., -1]], shots, compute_mode="donot_use_mm_for_euclid_dist")
        owner = torch.arange(w, device=z.device).repeat_interleave(size - 1)
        own = owner == torch.arange(w, device=z.device)[:, None]
        # Equal up to rounding is a tie, which the own class loses.
        distance = torch.where(own, distance * (1 + 1e-12) + 1e-300, distance)
        nearest = distance.topk(self.k, dim=2, largest=False).indices
        votes = torch.nn.functional.one_hot(owner[nearest], w).sum(2)
        mine = votes.diagonal(dim1=1, dim2=2)[:, :, None]
        votes = votes.masked_fill(torch.eye(w, dtype=torch.bool, device=z.device), -1)
        return (votes >= mine).any(2)
