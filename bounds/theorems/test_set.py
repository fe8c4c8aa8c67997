"""`test_set`: the certificate that N held-out labels give, the floor beside every other bound."""

from __future__ import annotations

from bounds.derivations import test_set as derivation
from bounds.errors import NotApplicable
from bounds.statistics.evidence import Evidence
from bounds.statistics.kept_apart import Counts, test_counts
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    counts = counted(test_counts(evidence, evidence.head))
    values = {"N": counts.trials, "mistakes": counts.mistakes, "delta": delta}
    return Inputs(derivation.expression(), values, {"delta": delta}, evidence.head, counts.notes)


def counted(counts: Counts) -> Counts:
    """The counts, or NotApplicable where copies left nothing to count."""
    if not counts.trials:
        raise NotApplicable(f"has nothing to count: {'; '.join(counts.notes)}.")
    return counts


TEST_SET = Theorem(
    name="test_set",
    title="held-out labels, Clopper-Pearson",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`",
    assumptions=("H",),
    inputs=_inputs,
    texts={},
    axis=ERROR,
)
