"""A theorem on a sample that repeats rows, where nothing says whether they are copies or the population's."""

from __future__ import annotations

from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Bound, Theorem, outcome
from bounds.theorems.written import changed

_SPLIT = "proved for i.i.d. rows; S repeats rows: for added copies declare repeats='drop'"
_BOTH = "S repeats rows: the larger of the bound on all rows and on the distinct ones, for one head"


def evaluated(theorem: Theorem, evidence: Evidence, delta: float) -> Bound:
    """The bound at δ; with undeclared repeats in S the larger one of all and of distinct rows.

    Valid when all repeats are copies and when all are the population's. A bound that counts on a part of S keeps its
    split by rows instead, where repeats across the split count as mistakes.

    Raises:
        NotApplicable: as `Theorem.evaluate`, on either set of rows.
    """
    bound = theorem.evaluate(evidence, delta)
    if evidence.distinct is None:
        return bound
    if theorem.splits:
        return changed(bound, notes=(*bound.notes, _SPLIT))
    other = theorem.evaluate(evidence.distinct, delta)
    below = theorem.found(evidence, delta).expression.below
    larger = min(bound, other, key=_value) if below else max(bound, other, key=_value)
    return larger if bound.value == other.value else changed(larger, notes=(*larger.notes, _BOTH))


def attempted(theorem: Theorem, evidence: Evidence, delta: float) -> Bound | str:
    """`evaluated`, or why there is no such bound, as `Theorem.attempt` has it."""
    return outcome(lambda: evaluated(theorem, evidence, delta))


def _value(bound: Bound) -> float:
    return bound.value
