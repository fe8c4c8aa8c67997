"""`test_set`: the certificate that N held-out labels give, the floor beside every other bound.

err(W) ≤ CP⁺(mistakes, N, δ): given the head, the number of mistakes on independent items is binomial.
"""

from __future__ import annotations

from functools import cache

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.evidence.outcomes import count, head_outcomes
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.counting.counts import beside
from bounds.theorems.vocabulary import CLEAN_TEST, TEST, W, concluded, counted_despite_copies, delta, wrong


@cache
def proof() -> Conclusion:
    """Counts on a clean sample, which copies, additions and replacements only make larger."""
    return concluded(counted_despite_copies(TEST, CLEAN_TEST, wrong(W), delta), E(wrong(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    found = count(evidence, head_outcomes(evidence).wrong)
    if not found.trials:
        raise NotApplicable(f"has nothing to count: {'; '.join(test_apart(evidence).notes())}.")
    values = {"N": found.trials, "mistakes": found.mistakes, "delta": delta}
    return Inputs.proven(proof(), values, {"delta": delta}, evidence.head, beside(evidence, delta))


TEST_SET = Theorem(
    name="test_set",
    title="held-out labels, Clopper-Pearson",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    axis=ERROR,
    proof=proof,
)
