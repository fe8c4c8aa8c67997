"""`test_set_classes`: the error of every class at once, counted on the test items of each."""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.evidence.outcomes import count, head_outcomes
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E, InCell
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vocabulary import (
    CLASS_ITEMS,
    CLASSES,
    CLEAN_CLASS_ITEMS,
    W,
    concluded,
    counted_despite_copies,
    delta,
    wrong,
)

WORST_CLASS = Axis("worst-class error", "error rate of the worst class", "none", trivial=1.0, most=1.0)


@cache
def proof() -> Conclusion:
    """Given the labels, the errors of each class are binomial; K limits hold together."""
    term = InCell(CLASSES.chosen, wrong(W))
    bound = counted_despite_copies(CLASS_ITEMS, CLEAN_CLASS_ITEMS, term, delta, over=(CLASSES,))
    return concluded(bound, E(term))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    outcomes, classes = head_outcomes(evidence), evidence.setting.num_classes
    expression = proof().expression
    table: dict[str, dict[str, float]] = {}
    found: list[tuple[float, dict[str, float]]] = []
    for y, name in enumerate(evidence.setting.names_of_classes):
        own = count(evidence, outcomes.wrong, outcomes.labels == y)
        # A class without an item has the limit one, as if one item had been wrong.
        items, mistakes = (own.trials, own.mistakes) if own.trials else (1, 1)
        values = {"class_items": items, "class_mistakes": mistakes, "K": classes, "delta": delta}
        limit = expression.combined(expression.evaluate(values), WORST_CLASS.most)
        measured = {"measured": own.mistakes / own.trials} if own.trials else {}
        table[name] = {"items": own.trials, **measured, "error": limit}
        found.append((limit, values))
    _, worst = max(found, key=lambda one: one[0])
    empty = sum(row["items"] == 0 for row in table.values())
    notes = (f"{empty} of {classes} classes have no test item; their limit is one",) if empty else ()
    return Inputs.proven(proof(), worst, {"delta": delta}, evidence.head, notes, table=table)


TEST_SET_CLASSES = Theorem(
    name="test_set_classes",
    title="error of each class on held-out labels, all classes at once; the worst class is shown",
    source="Clopper and Pearson (1934), one-sided, at δ/K a class",
    statement=r"\max_y\mathbb{P}(\arg\max W_S f(x) \ne y \mid y)",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    proof=proof,
    texts={
        "test_error": ("measured error of the worst class", "a better head, more test items of that class")
    },
    axis=WORST_CLASS,
)
