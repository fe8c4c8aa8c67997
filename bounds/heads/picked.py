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
    labels, rows = labels.long(), torch.cat([z, z.new_ones(len(z), 1)], dim=1)
    targets = torch.nn.functional.one_hot(labels, classes).to(z.dtype) - 1.0 / classes
    taken = torch.tensor(prior, device=z.device)
    gram = rows[taken].T @ rows[taken]
    gram.diagonal().add_(penalty)
    moment = rows[taken].T @ targets[taken]
    order = torch.from_numpy(np.argsort(ties, kind="stable")).to(z.device)
    picked: list[Tensor] = []
    while True:
        weight = torch.cholesky_solve(moment, torch.linalg.cholesky(gram))
        scores = rows @ weight
        # In the order of the ties, so that a stable sort by margin keeps it.
        candidates = order[((rank(scores, labels) > 0) & ~taken)[order]]
        if not len(candidates):
            break
        margins = _margins(scores[candidates], labels[candidates])
        worst = candidates[torch.argsort(margins, stable=True)[:batch]]
        gram += rows[worst].T @ rows[worst]
        moment += rows[worst].T @ targets[worst]
        taken[worst] = True
        picked.append(worst)
    head = Head(weight[:-1].T.contiguous(), weight[-1].clone(), NAME)
    chosen = torch.cat(picked).cpu().numpy() if picked else np.empty(0, np.int64)
    return Picked(head, chosen)


def _margins(scores: Tensor, labels: Tensor) -> Tensor:
    own = scores.gather(1, labels[:, None])[:, 0]
    return own - scores.scatter(1, labels[:, None], -torch.inf).amax(1)
