"""A6 and A6′: i.i.d. items, i.i.d. pairs; refuted by class counts, by repeats, by items in several pairs, by a pool."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bounds.assumptions.assumption import Assumption
from bounds.assumptions.regular import too_regular
from bounds.representations.copies import Copies, joined

POOLED = "the class counts of the pairs are fixed by their pool; pass `class_prior` to pay for it"


def items(
    counts: NDArray[np.int64],
    repeats: str | None,
    repeated: int,
    relabeled: int,
) -> Assumption:
    """A6: i.i.d. rows of S, or a stratified S.

    Args:
        counts: Class counts of S, (K,).
        repeats: What was declared about equal items.
        repeated: Rows of S that repeat another one.
        relabeled: Items of S that stand in it with different labels.
    """
    test = too_regular(counts)
    if repeats == "drop" and relabeled:
        reason = (
            f"{relabeled} items stand in S with different labels, which no population without atoms allows"
        )
        return Assumption("A6", "unverifiable", reason, test)
    reason = "declared: items are i.i.d."
    if test.refuted:
        reason = (
            f"class counts differ by at most one (p = {test.p_value:.1g} for i.i.d. items): "
            "read as stratified, at the class frequencies of S"
        )
    if repeated:
        reason += "; " + {
            "keep": "declared: the population repeats items",
            "drop": f"{repeated} repeated rows of S were dropped (declared: a population without atoms)",
        }.get(
            repeats or "",
            f"{repeated} rows of S repeat another one: bounds on all of S show the larger of all and of distinct rows",
        )
    return Assumption("A6", "holds", reason, test)


def independent_pairs(
    copies: Copies | None, pairs: int, repeats: str | None, conditioned: bool, prior_known: bool
) -> Assumption:
    """A6′: no item stands in two pairs, unless the population repeats items; and no pool fixes the classes of the pairs.

    Args:
        copies: Among the views, named "view 0" and "view 1"; None where they are not needed.
        pairs: m, 0 without pairs.
        repeats: What was declared about equal items.
        conditioned: Whether the class counts of the pairs are fixed by their pool.
        prior_known: Whether the class prior is, which pays for that.
    """
    if not pairs:
        return Assumption("A6'", "unverifiable", "there are no pairs")
    if conditioned and not prior_known:
        return Assumption("A6'", "violated", POOLED)
    paid = "; their class counts are fixed, the distance to the prior is added" if conditioned else ""
    if repeats == "keep" or copies is None:
        return Assumption("A6'", "holds", f"declared: the population repeats items{paid}")
    rows = np.concatenate([copies.rows(f"view {i}", np.arange(pairs)) for i in (0, 1)])
    pair = joined(copies.components(rows).reshape(2, pairs))
    shared = int((np.bincount(pair)[pair] > 1).sum())
    if not shared:
        return Assumption("A6'", "holds", f"no item stands in two pairs{paid}")
    reason = f"{shared} of {pairs} pairs share an item with another pair"
    if repeats == "drop":
        return Assumption("A6'", "violated", reason)
    return Assumption(
        "A6'", "unverifiable", f"{reason}; declare repeats='keep' if the population repeats items"
    )
