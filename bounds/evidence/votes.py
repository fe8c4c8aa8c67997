"""What heads decide on views: disagreements, distances after projection, predicted errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Counts, Losses, pairs_apart
from bounds.evidence.memo import memo
from bounds.evidence.splits import held_out_chunks, part_items
from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex
from bounds.summaries.decision import decide
from bounds.summaries.moments import Moments
from bounds.summaries.totals import Totals

_BINS = 50


def view_votes(evidence: Evidence, head: FittedHead) -> Moments:
    """Over the pairs, for one head: [decisions differ, ½‖Π(W f(x⁺)) − Π(W f(x⁺⁺))‖²]."""

    def make() -> Moments:
        found = Moments.empty(2)
        for (first, second), _ in evidence.own_chunks(evidence.need_pairs()):
            a, b = head(first), head(second)
            moved = 0.5 * (project_simplex(a) - project_simplex(b)).square().sum(1)
            found = found.update(torch.stack([(decide(a) != decide(b)).double(), moved], 1).cpu())
        return evidence.merged(found)

    return memo(evidence, ("view votes", head.name), make)


def head_votes(evidence: Evidence, head: FittedHead, other: FittedHead) -> Moments:
    """Over the first views, between two heads: [decisions differ, ‖Π(W f) − Π(W′ f)‖]."""

    def make() -> Moments:
        found = Moments.empty(2)
        for (first, _), _ in evidence.own_chunks(evidence.need_pairs()):
            a, b = head(first), other(first)
            moved = torch.linalg.vector_norm(project_simplex(a) - project_simplex(b), dim=1)
            found = found.update(torch.stack([(decide(a) != decide(b)).double(), moved], 1).cpu())
        return evidence.merged(found)

    return memo(evidence, ("head votes", head.name, other.name), make)


def disagreement_counts(evidence: Evidence, head: FittedHead) -> Counts:
    """Pairs whose views a head decides differently on; a pair with a copy of a row of S counts as one."""
    apart = pairs_apart(evidence, (0, 1))
    if apart.clean:
        return Counts(round(float(view_votes(evidence, head).mean[0]) * evidence.m), evidence.m)
    return apart.upper(_pair_rows(evidence, lambda a, b: decide(head(a)) != decide(head(b))) > 0)


def moved_counts(evidence: Evidence, head: FittedHead, other: FittedHead) -> Counts:
    """First views on which two heads decide differently; a copy of a row of S counts as one."""
    apart = pairs_apart(evidence, (0,))
    if apart.clean:
        return Counts(round(float(head_votes(evidence, head, other).mean[0]) * evidence.m), evidence.m)
    return apart.upper(_pair_rows(evidence, lambda a, _: decide(head(a)) != decide(other(a))) > 0)


def moved_mean(evidence: Evidence, head: FittedHead, other: FittedHead) -> Losses:
    """‖Π(W f) − Π(W′ f)‖ over the first views, in [0, √2]; a copy of a row of S enters as √2."""
    apart = pairs_apart(evidence, (0,))
    if apart.clean:
        return Losses(float(head_votes(evidence, head, other).mean[1]), evidence.m)

    def moved(first: Tensor, _: Tensor) -> Tensor:
        apart: Tensor = torch.linalg.vector_norm(
            project_simplex(head(first)) - project_simplex(other(first)), dim=1
        )
        return apart

    return apart.losses(_pair_rows(evidence, moved), 2.0**0.5)


def _pair_rows(evidence: Evidence, value: Callable[[Tensor, Tensor], Tensor]) -> np.ndarray:
    """A number for each pair, (m,)."""
    rows = [value(first, second).double().cpu().numpy() for first, second, _ in evidence.pair_chunks()]
    return np.concatenate(rows)


def predicted_errors(evidence: Evidence, head: FittedHead, count: int) -> tuple[Moments, Tensor]:
    """ĝ over the first views, and err − ĝ on each held-out row in the order of S, (N,).

    ĝ(x) is the training error rate, on the rows that are not held out, of items whose two largest scores lie as far
    apart as those of x: a function of those rows alone, in [0, 1].
    """

    def make() -> tuple[Moments, Tensor]:
        wrong = torch.zeros(_BINS, dtype=torch.float64)
        seen = torch.zeros(_BINS, dtype=torch.float64)
        for (z, *_), labels in evidence.own_chunks(evidence.labeled, part_items(evidence, count, evidence.n)):
            if labels is not None:
                scores = head(z)
                cell = _cell(scores).cpu()
                wrong += torch.bincount(cell[(decide(scores) != labels).cpu()], minlength=_BINS)
                seen += torch.bincount(cell, minlength=_BINS)
        wrong, seen = evidence.merged(Totals(torch.stack([wrong, seen]))).values
        rate = (wrong + 0.5) / (seen + 1.0)  # never exactly 0 or 1 where few were seen
        unlabeled = Moments.empty(1)
        for (first, _), _ in evidence.own_chunks(evidence.need_pairs()):
            unlabeled = unlabeled.update(rate[_cell(head(first)).cpu()])
        rectifiers = [
            (decide(head(z)) != labels).cpu().double() - rate[_cell(head(z)).cpu()]
            for z, labels in held_out_chunks(evidence, count)
        ]
        return evidence.merged(unlabeled), torch.cat(rectifiers)

    return memo(evidence, ("predicted errors", head.name, count), make)


def _cell(scores: Tensor) -> Tensor:
    """Bin of the gap between the two largest scores; gaps beyond one share the last bin."""
    if scores.shape[1] == 1:
        return torch.zeros(len(scores), dtype=torch.int64, device=scores.device)
    top = scores.topk(2, dim=1).values
    return ((top[:, 0] - top[:, 1]) * (_BINS - 1)).clamp(0, _BINS - 1).long()
