"""From what was declared and what the data refute to the status of every assumption, with the reason in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bounds.assumptions import swap
from bounds.assumptions.assumption import Assumption, AssumptionTest
from bounds.assumptions.bounded import boundedness
from bounds.assumptions.classes import balanced_over, labels_are_classes, number_of_classes
from bounds.assumptions.constants import constants
from bounds.assumptions.exchangeable import exchangeable
from bounds.assumptions.fresh import by_record, freshness, held_back
from bounds.assumptions.independent import independence
from bounds.assumptions.items import POOLED, independent_pairs, items
from bounds.assumptions.one_law import crossed_views, one_law
from bounds.assumptions.pairs import pair_assumptions
from bounds.assumptions.prior import declared_prior
from bounds.assumptions.regular import too_regular
from bounds.evidence.distinct import Repeats
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import copies
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations


@dataclass(frozen=True)
class Given:
    """What `evaluate` was told and the setting does not keep.

    Attributes:
        pairs: How the pairs were made.
        labeled_is_fresh, unlabeled_is_fresh: A2 and A3.
        nonnegative: Whether f ≥ 0 was declared.
        num_classes: Whether K was stated.
        balanced: Whether the prior was declared by that word, which fixes no K.
        same_source: Whether S and S̄ are the same data.
        normalization: Of the representations.
        repeated: Rows of S that repeat another one.
        relabeled: Items of S with different labels.
    """

    pairs: Literal["augmentation", "class"]
    labeled_is_fresh: bool | None
    unlabeled_is_fresh: bool | None
    nonnegative: bool
    num_classes: bool
    balanced: bool
    same_source: bool
    normalization: Normalization
    repeated: int = 0
    relabeled: int = 0


def statuses(evidence: Evidence, given: Given) -> dict[str, Assumption]:
    """Every assumption by name."""
    setting = evidence.setting
    declared = setting.declared
    found = {one.name: one for one in pair_assumptions(given.pairs if evidence.pairs is not None else None)}
    a2 = freshness("A2", given.labeled_is_fresh, "labeled_is_fresh", "labeled")
    a3 = freshness("A3", given.unlabeled_is_fresh, "unlabeled_is_fresh", "unlabeled")
    regular = False
    if evidence.test is not None and evidence.test.labels is not None:
        counts = np.bincount(evidence.test.labels, minlength=setting.num_classes)
        regular = too_regular(counts).refuted
    found |= {
        one.name: one
        for one in (
            by_record(a2, evidence.labeled, setting.trained_on, "labeled"),
            by_record(a3, evidence.pairs, setting.trained_on, "unlabeled"),
            _bounded(evidence, given),
            labels_are_classes(),
            number_of_classes(given.num_classes, setting.num_classes, evidence.n if given.balanced else 0),
            items(
                evidence.classes.counts.cpu().numpy(),
                declared.repeats,
                given.repeated,
                given.relabeled,
            ),
            independent_pairs(
                None if declared.repeats == "keep" or evidence.pairs is None else copies(evidence),
                0 if evidence.pairs is None else evidence.m,
                declared.repeats,
                setting.conditioned_pairs,
                setting.prior is not None,
            ),
            independence(evidence.labeled, evidence.pairs, given.same_source),
            held_back(declared.test_is_fresh, declared.looks, regular),
            constants(setting.constants),
        )
    }
    if setting.prior is not None:
        found["prior"] = balanced_over(
            declared_prior(setting.prior.numpy(), _class_counts(evidence)), found["K"]
        )
    if setting.conditioned_pairs and setting.prior is None:
        found["U"] = replace(found["U"], status="violated", reason=POOLED)
    if evidence.pairs is not None:
        found["A1"] = _class_pairs(found["A1"], evidence, evidence.pairs, given)
        law = one_law(
            evidence.labeled,
            evidence.pairs,
            counts=not setting.conditioned_pairs,
            seed=setting.seed,
            name="labeled items against first views",
        )
        if given.pairs == "class" and not given.same_source:
            found["A6'"], found["U"] = (found[name].tested(law) for name in ("A6'", "U"))
    if evidence.test is not None:
        found["H"] = _warned(found["H"], exchangeable(evidence.labeled, evidence.test, setting.seed))
    return found


def _class_pairs(a1: Assumption, evidence: Evidence, pairs: Representations, given: Given) -> Assumption:
    """A1 with the stronger test that the data allow; where it is violated by declaration the test is shown only."""
    seed = evidence.setting.seed
    test: AssumptionTest | None = None
    if pairs.labels is not None:
        test = swap.swapped(pairs, seed)
    elif given.num_classes:
        test = swap.nearest(pairs, evidence.setting.num_classes, seed)
    if not a1.holds:
        return replace(a1, test=test)
    views = crossed_views(pairs, seed)
    return a1.tested(test if test is None or test.refuted or not views.refuted else views)


def _class_counts(evidence: Evidence) -> dict[str, NDArray[np.int64]]:
    """Labels per class of S, and of pairs that are i.i.d. draws."""
    setting, pairs = evidence.setting, evidence.pairs
    counts = {"`labeled`": evidence.classes.counts.cpu().numpy()}
    if pairs is not None and pairs.labels is not None and not setting.conditioned_pairs:
        counts["`unlabeled`"] = np.bincount(pairs.labels, minlength=setting.num_classes)
    return counts


def _warned(h: Assumption, test: AssumptionTest) -> Assumption:
    """A warning beside H, which test items of another law do not break."""
    warning = f"; warning, labeled and test rows differ: {test}" if test.refuted else ""
    return replace(h, reason=h.reason + warning, test=test)


def _bounded(evidence: Evidence, given: Given) -> Assumption:
    tables = [table for table in (evidence.labeled, evidence.pairs) if table is not None]
    if given.nonnegative and any(
        bool((view < 0).any()) for table in tables for views, _ in table.chunks() for view in views
    ):
        return Assumption(
            "A4", "violated", "nonnegative=True was declared, but a representation has a negative value"
        )

    def largest() -> float:
        seen = evidence.classes.max_norm
        return seen if evidence.pairs is None else max(seen, evidence.pair_moments.max_norm)

    return boundedness(given.normalization, largest)


def declare(evidence: Evidence, given: Given) -> Evidence:
    """The evidence with the status of every assumption, its repeated rows dropped or set apart as declared."""
    repeats = evidence.setting.declared.repeats
    if repeats != "keep":
        found = Repeats.of(evidence.labeled, copies(evidence))
        given = replace(given, repeated=found.repeated, relabeled=found.relabeled)
        if found.repeated:
            distinct = replace(evidence, labeled=found.distinct(evidence.labeled))
            if repeats == "drop":
                evidence = distinct
            else:
                distinct = distinct.assuming(statuses(distinct, given))
                evidence = replace(evidence, distinct=distinct)
    return evidence.assuming(statuses(evidence, given))
