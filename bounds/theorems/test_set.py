"""`test_set`: the certificate that N held-out labels give, the floor beside every other bound."""

from __future__ import annotations

from bounds.derivations import test_set as derivation
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Counts, test_apart
from bounds.evidence.outcomes import count, head_outcomes
from bounds.summaries.limits import clopper_pearson_upper
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    found = count(evidence, head_outcomes(evidence).wrong)
    if not found.trials:
        raise NotApplicable(f"has nothing to count: {'; '.join(test_apart(evidence).notes())}.")
    values = {"N": found.trials, "mistakes": found.mistakes, "delta": delta}
    return Inputs(derivation.expression(), values, {"delta": delta}, evidence.head, beside(evidence, delta))


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
