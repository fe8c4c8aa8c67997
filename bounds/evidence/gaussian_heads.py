"""Gaussian heads around the fitted head, their prior learned on a part of S: candidates and a cheap search."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.shares import PRIOR_SHARES
from bounds.evidence.splits import fitting_head, fitting_squares, held_out_chunks, part_items
from bounds.heads.linear import require_linear
from bounds.heads.margins import MAX_SHIFT, MarginTable, Metric

# The grid, fixed in advance; whoever uses it pays for every point in δ.
RIDGES = (1e-3, 1.0)  # of the prior covariance, in mean eigenvalues
NOISES = tuple(0.03 * 1.5**j for j in range(8))  # typical standard deviation of a score under the posterior
SHIFTS = tuple(0.25 * j for j in range(1, round(MAX_SHIFT / 0.25) + 1))  # √2Φ⁻¹(q)
GRID = tuple(itertools.product(PRIOR_SHARES, RIDGES, NOISES))
FEWEST = 8  # items on Q, from which Maurer's constant holds
_LARGEST = 2**22  # scores on Q: more classes, fewer items
_TRIAL = 10_000  # scores that the search looks at
_TRIAL_SPACING = 0.5

Values = Callable[[list["GaussianHead"], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class GaussianHead:
    """Posterior N(W, σ²·I ⊗ A⁻²) and prior N(W₀, σ²·I ⊗ A⁻²): W from all of S; W₀, A and σ from P = S∖Q.

    Attributes:
        key: (share of S outside P, ridge of A, typical noise).
        count: |Q|.
        metric: A.
        sigma: σ.
        distance: ‖(W − W₀)A‖_F.
    """

    key: tuple[float, float, float]
    count: int
    metric: Metric
    sigma: float
    distance: float

    def table(self, evidence: Evidence) -> MarginTable:
        """Margins of the posterior on Q."""

        def make() -> MarginTable:
            own = evidence.own_chunks(evidence.labeled, part_items(evidence, 0, self.count))
            table = MarginTable.empty(evidence.setting.num_classes).add(
                (evidence.head(z), labels, self.sigma * self.metric.spread(z))
                for (z, *_), labels in own
                if labels is not None
            )
            return evidence.merged(table)

        return memo(evidence, ("margins", self.key), make)


def _trials(evidence: Evidence) -> list[MarginTable]:
    """Margins of all candidates on a few rows of Q, and coarser; a table for those that share Q."""
    classes, tables = evidence.setting.num_classes, []
    for count, group in itertools.groupby(candidates(evidence), key=lambda head: head.count):
        rows = min(count, max(FEWEST, _TRIAL // classes))
        z, labels = (torch.cat(parts) for parts in zip(*held_out_chunks(evidence, rows), strict=True))
        heads = list(group)
        different = {id(head.metric): head.metric for head in heads}
        unit = {key: metric.spread(z) for key, metric in different.items()}
        spread = torch.stack([head.sigma * unit[id(head.metric)] for head in heads])
        empty = MarginTable.empty(classes, spacing=_TRIAL_SPACING, heads=(len(heads),))
        tables.append(empty.update(evidence.head(z), labels, spread))
    return tables


def metrics(evidence: Evidence, outside: int) -> list[Metric]:
    """A for each ridge of the grid, from the rows of S that are not among the first `outside`."""
    return memo(
        evidence, ("metrics", outside), lambda: Metric.of(fitting_squares(evidence, outside), *RIDGES)
    )


def candidates(evidence: Evidence) -> list[GaussianHead]:
    """The Gaussian heads of the grid that leave at least eight items on Q.

    Raises:
        NotApplicable: if none does, or the head is not linear.
    """
    return memo(evidence, "gaussian heads", lambda: _candidates(evidence))


def _candidates(evidence: Evidence) -> list[GaussianHead]:
    largest = max(FEWEST, _LARGEST // evidence.setting.num_classes)
    found, head = [], require_linear(evidence.head)
    for share in PRIOR_SHARES:
        outside = round(share * evidence.n)
        count = min(outside, largest)
        if count < FEWEST:
            continue
        prior = require_linear(fitting_head(evidence, outside))
        for ridge, metric in zip(RIDGES, metrics(evidence, outside), strict=True):
            distance = metric.distance(head, prior)
            found += [
                GaussianHead((share, ridge, noise), count, metric, noise / metric.scale, distance)
                for noise in NOISES
            ]
    if not found:
        raise NotApplicable(
            f"needs at least {math.ceil(FEWEST / max(PRIOR_SHARES))} labels, {FEWEST} of them outside the prior."
        )
    return found


def search(
    evidence: Evidence, shifts: tuple[float, ...], values: Values
) -> tuple[GaussianHead, MarginTable, float]:
    """The head and shift that look best on a few rows, and the margins of that head on all of Q.

    Every point of the grid is paid for, so the choice may use any data. `values` maps heads (H) and their errors at the
    shifts (H, S) to the bound there (H, S).
    """
    heads = candidates(evidence)
    trials = memo(evidence, "trial margins", lambda: _trials(evidence))
    tried = values(heads, torch.cat([table.errors(shifts) for table in trials]).numpy())
    head = heads[int(tried.min(axis=1).argmin())]
    table = head.table(evidence)
    return head, table, shifts[int(values([head], table.errors(shifts)[None].numpy()).argmin())]
