"""A7: S and S̄ are independent; refuted by what they share."""

from __future__ import annotations

from bounds.assumptions.assumption import Assumption
from bounds.representations.shared import shared_rows
from bounds.representations.table import Representations


def independence(labeled: Representations, pairs: Representations | None, same_source: bool) -> Assumption:
    """A7: refuted by a shared source, or by items of S that recur among the pairs.

    Equal vectors of a coarse representation need not be equal items: where S repeats vectors too, some that recur leave
    A7 open, and refute it only if they are more than twice as many.
    """
    if pairs is None:
        return Assumption("A7", "unverifiable", "there are no pairs")
    if same_source:
        return Assumption("A7", "violated", "`labeled` and `unlabeled` are the same data")
    shared = shared_rows(labeled, pairs)
    if shared.by is None:
        return Assumption(
            "A7", "holds", "declared: two independent samples; common items could not be looked for"
        )
    if shared.count and (shared.by == "images" or shared.count > 2 * shared.repeats):
        return Assumption(
            "A7", "violated", f"{shared.count} of the {labeled.count} labeled items are also among the pairs"
        )
    if shared.count:
        reason = (
            f"{shared.count} labeled vectors recur among the pairs, but {shared.repeats} equal another labeled one: "
            "equal vectors need not be equal items here"
        )
        return Assumption("A7", "unverifiable", reason)
    return Assumption(
        "A7",
        "holds",
        f"declared: two independent samples; no labeled item recurs among the pairs (compared by {shared.by})",
    )
