"""The status of every assumption of one call: what was declared, held against what the data show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bounds.assumptions import declared
from bounds.assumptions.assumption import Assumption
from bounds.assumptions.prior import declared_prior
from bounds.evidence.evidence import Evidence
from bounds.representations.extraction import Extracted
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations


def statuses(
    evidence: Evidence,
    parts: Mapping[str, Extracted],
    normalization: Normalization,
    given: Mapping[str, Any],
) -> dict[str, Assumption]:
    """The status of every assumption on this evidence, with the reason, by name."""
    setting = evidence.setting
    same = (
        "unlabeled" in parts and parts["unlabeled"].provenance["data"] == parts["labeled"].provenance["data"]
    )

    def largest() -> float:
        seen = evidence.classes.max_norm
        return seen if evidence.pairs is None else max(seen, evidence.pair_moments.max_norm)

    bounded = declared.boundedness(normalization, largest)
    if given["nonnegative"] and any(
        _has_negative(table) for table in (evidence.labeled, evidence.pairs) if table is not None
    ):
        bounded = Assumption(
            "A4", "violated", "nonnegative=True was declared, but a representation has a negative value"
        )
    found = [
        *declared.pair_assumptions(given["pairs"] if evidence.pairs is not None else None),
        declared.freshness("A2", given["labeled_is_fresh"], "labeled_is_fresh", "labeled"),
        declared.freshness("A3", given["unlabeled_is_fresh"], "unlabeled_is_fresh", "unlabeled"),
        bounded,
        Assumption("A5", "holds", "declared: the label is the class"),
        declared.items(setting.conditioned_pairs, setting.prior is not None),
        declared.independence(evidence.labeled, evidence.pairs, same),
        Assumption("H", "holds", "declared: test items were used for nothing else"),
        declared.constants(setting.constants),
    ]
    return {one.name: one for one in found} | _declared_classes(evidence, given)


def _declared_classes(evidence: Evidence, given: Mapping[str, Any]) -> dict[str, Assumption]:
    """K, and the class prior where one was declared, against the labels of S and of pairs that are i.i.d. draws."""
    setting = evidence.setting
    number_given = given["num_classes"] is not None or not isinstance(given["class_prior"], str | None)
    found = {"K": declared.number_of_classes(setting.num_classes, number_given)}
    if setting.prior is not None:
        counts = {"`labeled`": evidence.classes.counts.cpu().numpy()}
        pairs = evidence.pairs
        if pairs is not None and pairs.labels is not None and not setting.conditioned_pairs:
            counts["`unlabeled`"] = np.bincount(pairs.labels, minlength=setting.num_classes)
        found["prior"] = declared_prior(setting.prior.numpy(), counts)
    return found


def _has_negative(table: Representations) -> bool:
    return any(bool((view < 0).any()) for views, _ in table.chunks() for view in views)
