"""`held_out`: counting errors on a part of S that the head never saw.

err(W) ≤ CP⁺(mistakes, N, δ), W fitted on the rest of S.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_counts
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.counting.counts import something_counted
from bounds.theorems.vocabulary import (
    CLEAN_HELD_OUT,
    FITTED,
    HELD_OUT,
    concluded,
    counted_despite_copies,
    delta,
    wrong,
)


@cache
def proof() -> Conclusion:
    """One step: items of S are independent of each other, so the held-out ones of the head."""
    return concluded(counted_despite_copies(HELD_OUT, CLEAN_HELD_OUT, wrong(FITTED), delta), E(wrong(FITTED)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    count = held_out_count(evidence)
    head = fitting_head(evidence, count)
    counts = something_counted(held_out_counts(evidence, head, count))
    values = {"N": counts.trials, "mistakes": counts.mistakes, "delta": delta}
    return Inputs.proven(proof(), values, {"delta": delta}, head, counts.notes)


HELD_OUT_BOUND = Theorem(
    name="held_out",
    title="a part of S held out, Clopper-Pearson: what any certificate from the same labels has to beat",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(\arg\max W f(x) \ne y)",
    predictor="head as given by `head`, on S without the held-out part",
    inputs=_inputs,
    splits=True,
    axis=ERROR,
    proof=proof,
)
