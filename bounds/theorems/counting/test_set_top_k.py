"""`test_set_top_k`: how often the class is not among the k largest scores."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from bounds.arguments import shown
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.outcomes import count, head_outcomes
from bounds.heads.decision import Decision
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vocabulary import CLEAN_TEST, TEST, W, concluded, counted_despite_copies, delta, outside

TOP_K = Axis("top-k error", "share of items whose class is not among k named", "none", most=1.0)
_DEFAULT = 5


@cache
def proof() -> Conclusion:
    """Whether a class is among the k largest scores is an error of its own."""
    return concluded(counted_despite_copies(TEST, CLEAN_TEST, outside(W), delta), E(outside(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    k = evidence.setting.options.get("top_k", _DEFAULT)
    if type(k) is not int or k < 1:
        raise InvalidOption(f"The option `top_k` must be a positive whole number, got {shown(k)}.")
    if k >= evidence.setting.num_classes:
        raise NotApplicable(
            f"needs more than k = {k} classes, got {evidence.setting.num_classes}; give options={{'top_k': ...}}."
        )
    found = count(evidence, head_outcomes(evidence).rank >= k)
    values = {"N": found.trials, "mistakes": found.mistakes, "delta": delta}
    constant = 1.0 - sum(sorted(evidence.frequencies)[-k:])
    return Inputs.proven(
        proof(),
        values,
        {"delta": delta},
        evidence.head,
        (f"k = {k}",),
        axis=replace(
            TOP_K,
            name=f"top-{k} error",
            unit=f"share of items whose class is not among {k} named",
            trivial=constant,
        ),
        decision=Decision(top=k),
    )


TEST_SET_TOP_K = Theorem(
    name="test_set_top_k",
    title="top-k error on held-out labels: the class is not among the k best guesses",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(y \notin \mathrm{top}_k W_S f(x))",
    predictor="the k classes with the largest scores of head W_S as given by `head`",
    options=("top_k",),
    inputs=_inputs,
    proof=proof,
    texts={"test_error": ("measured top-k error", "a better head")},
    axis=TOP_K,
)
