"""A6 and A6′: i.i.d. items, i.i.d. pairs; refuted by class counts, by repeats, by items in several pairs."""

from __future__ import annotations

import numpy as np

from bounds.assumptions.regular import too_regular
from bounds.statistics.evidence import Evidence
from bounds.statistics.kept_apart import copies, joined
from bounds.statistics.setting import Assumption


def items(evidence: Evidence, repeated: int, relabeled: int) -> Assumption:
    """A6: i.i.d. rows of S, or a stratified S.

    Args:
        evidence: Of the data.
        repeated: Rows of S that repeat another one.
        relabeled: Items of S that stand in it with different labels.
    """
    setting = evidence.setting
    test = too_regular(evidence.classes.counts.cpu().numpy())
    if setting.conditioned_pairs and setting.prior is None:
        reason = "the class counts of the pairs are fixed by their pool; pass `class_prior` to pay for it"
        return Assumption("A6", "violated", reason, test)
    if setting.declared.repeats == "drop" and relabeled:
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
    if setting.conditioned_pairs:
        reason += "; class counts of the pairs are fixed, their distance to the prior is added"
    if repeated:
        reason += "; " + {
            "keep": "declared: the population repeats items",
            "drop": f"{repeated} repeated rows of S were dropped (declared: a population without atoms)",
        }.get(
            setting.declared.repeats or "",
            f"{repeated} rows of S repeat another one: bounds on all of S show the larger of all and of distinct rows",
        )
    return Assumption("A6", "holds", reason, test)


def pairs_once(evidence: Evidence) -> Assumption:
    """A6′: no item stands in two pairs, unless the population repeats items."""
    if evidence.pairs is None:
        return Assumption("A6'", "unverifiable", "there are no pairs")
    if evidence.setting.declared.repeats == "keep":
        return Assumption("A6'", "holds", "declared: the population repeats items")
    found, m = copies(evidence), evidence.m
    rows = np.concatenate([found.rows(f"view {i}", np.arange(m)) for i in (0, 1)])
    pair = joined(found.components(rows).reshape(2, m))
    shared = int((np.bincount(pair)[pair] > 1).sum())
    if not shared:
        return Assumption("A6'", "holds", "no item stands in two pairs")
    reason = f"{shared} of {m} pairs share an item with another pair"
    if evidence.setting.declared.repeats == "drop":
        return Assumption("A6'", "violated", reason)
    return Assumption(
        "A6'", "unverifiable", f"{reason}; declare repeats='keep' if the population repeats items"
    )
