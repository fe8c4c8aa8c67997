"""A ridge head of a few rows, which picks the next rows itself: those it names wrongly, the worst first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.heads.linear import Head
from bounds.summaries.decision import rank

NAME = "ridge head of picked rows"
_ROWS = 2048  # that are scored together


@dataclass(frozen=True)
class Picked:
    """What was picked and what became of it.

    Attributes:
        head: Affine, of the prior rows and the picked ones alone.
        rows: Numbers of the picked rows, in the order of the picks, (k,).
    """

    head: Head
    rows: NDArray[np.int64]


def pick(
    z: Tensor,
    labels: Tensor,
    classes: int,
    *,
    penalty: float,
    batch: int,
    prior: NDArray[np.bool_],
    ties: NDArray[np.float64],
) -> Picked:
    r"""Fit, add the worst rows, fit again, until no row outside of those picked is named wrongly.

    Each fit is the minimiser of Σ‖W(z, 1) − (e_y − 1/K)‖² + λ‖W‖_F² over the prior rows and those picked so far. Of the
    other rows whose class is not named, those of smallest margin s_y − max_{c≠y} s_c are picked next, `batch` of them;
    equal margins are told apart by `ties`. A row that is never picked changes no step, which is what a limit of the error
    rests on.

    Args:
        z: (n, d) float64.
        labels: (n,).
        classes: K, at least two.
        penalty: λ.
        batch: Rows picked at a time.
        prior: (n,) rows of which nothing is counted.
        ties: (n,) numbers drawn independently of the rows.
    """
    labels, taken = labels.long(), torch.tensor(prior, device=z.device)
    dim = z.shape[1] + 1
    gram, moment = penalty * torch.eye(dim, dtype=z.dtype, device=z.device), z.new_zeros(dim, classes)
    for part in torch.split(taken.nonzero()[:, 0], _ROWS):
        squares, products = _moments(z[part], labels[part], classes)
        gram, moment = gram + squares, moment + products
    order = torch.from_numpy(np.argsort(ties, kind="stable")).to(z.device)
    picked: list[Tensor] = []
    while True:
        solved = torch.cholesky_solve(moment, torch.linalg.cholesky(gram))
        head = Head(solved[:-1].T.contiguous(), solved[-1].clone(), NAME)
        # In the order of the ties, so that a stable sort by margin keeps it.
        parts = [_missed(head, z, labels, part) for part in torch.split(order[~taken[order]], _ROWS)]
        candidates, margins = (torch.cat(both) for both in zip(*parts, strict=True))
        if not len(candidates):
            break
        worst = candidates[torch.argsort(margins, stable=True)[:batch]]
        squares, products = _moments(z[worst], labels[worst], classes)
        gram, moment = gram + squares, moment + products
        taken[worst] = True
        picked.append(worst)
    chosen = torch.cat(picked).cpu().numpy() if picked else np.empty(0, np.int64)
    return Picked(head, chosen)


def _moments(z: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """(z, 1)ᵀ(z, 1) and (z, 1)ᵀ(Y − 1/K)."""
    rows = torch.cat([z, z.new_ones(len(z), 1)], dim=1)
    sums = z.new_zeros(classes, rows.shape[1]).index_add_(0, labels, rows)
    return rows.T @ rows, (sums - sums.sum(0) / classes).T


def _missed(head: Head, z: Tensor, labels: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """Of these items those whose class is not named, and their margins."""
    scores, labels = head(z[items]), labels[items]
    missed = rank(scores, labels) > 0
    scores, labels = scores[missed], labels[missed]
    own = scores.gather(1, labels[:, None])[:, 0]
    return items[missed], own - scores.scatter(1, labels[:, None], -torch.inf).amax(1)
