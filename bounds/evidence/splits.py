"""Seeded random parts of the labeled sample: held-out rows, heads fitted on the others, streams of a part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.shares import PRIOR_SHARES as PRIOR_SHARES
from bounds.evidence.shares import Purpose, held_out_share
from bounds.heads.fitted import FittedHead
from bounds.heads.least_squares import LeastSquares


def held_out_count(
    evidence: Evidence, share: float | None = None, fewest: int = 1, purpose: Purpose = "counting"
) -> int:
    """Number of rows of S in the held-out part: `share` of them, else the option `holdout`, else by its purpose.

    Raises:
        NotApplicable: if that is below `fewest`, or leaves no row on the other side.
    """
    share = evidence.setting.holdout if share is None else share
    share = held_out_share(purpose, evidence.n) if share is None else share
    count = round(share * evidence.n)
    if not fewest <= count < evidence.n:
        raise NotApplicable(
            f"needs at least {fewest} held-out labels and one more, but {share:g} of {evidence.n} is {count}; "
            "give more labels or another `holdout`."
        )
    return count


def part_items(evidence: Evidence, low: int, high: int) -> np.ndarray:
    """Rows of S whose random rank lies in [low, high), in the order of S; rank < count is the held-out part."""
    ranks = evidence.row_ranks
    return np.flatnonzero((ranks >= low) & (ranks < high))


def part_chunks(evidence: Evidence, low: int, high: int) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """(views, labels) of those rows."""
    items = part_items(evidence, low, high)
    for views, labels in evidence.labeled.chunks(device=evidence.device, items=items):
        if labels is not None:
            yield views, labels


def held_out_chunks(evidence: Evidence, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(z, labels) of the held-out rows."""
    for views, labels in part_chunks(evidence, 0, count):
        yield views[0], labels


def fitting_squares(evidence: Evidence, count: int) -> LeastSquares:
    """Triangular factor of the rows of S that are not held out."""
    return evidence.least_squares_from(count)


def fitting_head(evidence: Evidence, count: int) -> FittedHead:
    """The head asked for by the option `head`, fitted on the rows of S that are not held out.

    Raises:
        NotApplicable: for a given function, of which nobody knows the rows it was made from.
    """

    def make() -> FittedHead:
        require_refit(evidence)
        head = evidence.kind.fit(evidence.rows_from(count))
        return head.renamed(f"{head.name} on S without {count} held-out items")

    return memo(evidence, ("fitting head", count), make)


def require_refit(evidence: Evidence) -> None:
    """Bounds that count on rows, or views, which the head must not have seen.

    Raises:
        NotApplicable: for a given function.
    """
    if not evidence.kind.refits:
        raise NotApplicable(
            f"needs a head that is fitted here on a part of S; the {evidence.head.name} may have seen any row."
        )
