"""Counts behind the counting certificates: what copies left of them."""

from __future__ import annotations

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Counts, test_apart
from bounds.evidence.outcomes import head_outcomes
from bounds.summaries.limits import clopper_pearson_upper


def something_counted(counts: Counts) -> Counts:
    """The counts, or NotApplicable where copies left nothing to count."""
    if not counts.trials:
        raise NotApplicable(f"has nothing to count: {'; '.join(counts.notes)}.")
    return counts


def beside(evidence: Evidence, delta: float) -> tuple[str, ...]:
    """Where test items leaked, the limit of the error on inputs that the head was not made from."""
    apart = test_apart(evidence)
    if not apart.leaked.any():
        return ()
    counts = apart.outside(head_outcomes(evidence).wrong.numpy())
    if not counts.trials:
        return ("no test item is left that the head was not made from",)
    limit = clopper_pearson_upper(counts.mistakes, counts.trials, delta)
    return (
        f"on inputs that the head was not made from: error ≤ {limit:.4g} ({counts.mistakes} of {counts.trials})",
    )
