"""`test_set_selective`: answer only where the head is sure, and certify the error of what is answered."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

from bounds.arguments import shown
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.evidence.outcomes import count, head_outcomes
from bounds.heads.decision import Decision
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import counted
from bounds.proofs.terms import E, InCell, Mean
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import not_monotone
from bounds.theorems.vocabulary import ABOVE, RANKS, W, concluded, delta, wrong

SHARES = tuple(
    j / 20 for j in range(1, 21)
)  # of the test items that are answered: fixed in advance, paid for in δ
_TARGET = 0.05
ANSWERED = Axis("error where answered", "error rate of the items that are answered", "none", most=1.0)


@cache
def proof() -> Conclusion:
    """Given the r-th largest score, the items above it are i.i.d. of the law of those that are answered."""
    term = InCell(RANKS.chosen, wrong(W))
    return concluded(counted(Mean(ABOVE, term), delta, over=(RANKS,)), E(term))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    """The largest share whose limit is at most the target; all shares hold together, so any target may be read off."""
    target = evidence.setting.options.get("target", _TARGET)
    if not (isinstance(target, int | float) and 0 < target < 1):
        raise InvalidOption(f"The option `target` must lie strictly between 0 and 1, got {shown(target)}.")
    outcomes = head_outcomes(evidence)
    order = outcomes.gap.sort(descending=True).values
    expression = proof().expression
    table: dict[str, dict[str, float]] = {}
    found: list[tuple[float, dict[str, float], float | None, float]] = []
    for share in SHARES:
        # The r-th largest gap is the threshold and its item is left out; all items are answered above none.
        rank = round(share * len(order)) + 1
        threshold = None if rank > len(order) else float(order[rank - 1])
        above = outcomes.gap > (-math.inf if threshold is None else threshold)
        counted = count(evidence, outcomes.wrong, above)
        if not counted.trials:
            continue
        values = {
            "mistakes": counted.mistakes,
            "answered": counted.trials,
            "ranks": len(SHARES),
            "delta": delta,
        }
        limit = expression.combined(expression.evaluate(values), ANSWERED.most)
        table[f"{float(above.double().mean()):.1%} answered"] = {
            **({} if threshold is None else {"threshold": threshold}),
            "measured": counted.mistakes / counted.trials,
            "error": limit,
        }
        found.append((limit, values, threshold, float(above.double().mean())))
    if not found:
        raise NotApplicable("needs test items of which some have a larger gap of scores than others.")
    reached = [one for one in found if one[0] <= target]
    _, values, threshold, share = reached[-1] if reached else min(found, key=lambda one: one[0])
    where = (
        "everywhere"
        if threshold is None
        else f"where the two largest scores lie more than {threshold:.6g} apart"
    )
    note = f"answers {where}: {share:.1%} of the test items"
    missed = () if reached else (f"no share reaches the target of {target:g}; the smallest limit is shown",)
    return Inputs.proven(
        proof(),
        values,
        {"delta": delta},
        evidence.head,
        (note, *missed),
        axis=replace(ANSWERED, trivial=evidence.constant_error),
        decision=Decision(threshold=threshold),
        table=table,
        # The threshold is an order statistic of rows that may be copies, for which no count is proved.
        doubts=not_monotone(test_apart(evidence), assumption="H"),
    )


TEST_SET_SELECTIVE = Theorem(
    name="test_set_selective",
    title="selective prediction: the largest share answered whose certified error meets the target",
    source="Clopper and Pearson (1934), one-sided, above order statistics, at δ over the number of thresholds",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y \mid s(f(x)) > t)",
    predictor="head W_S as given by `head` where its two largest scores lie far enough apart, no answer elsewhere",
    options=("target",),
    inputs=_inputs,
    proof=proof,
    texts={
        "test_error": (
            "measured error of the test items that are answered",
            "a better head, a higher threshold",
        ),
    },
    axis=ANSWERED,
)
