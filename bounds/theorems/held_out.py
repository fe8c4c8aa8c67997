"""`test_set_loss`, `held_out`: the loss of test items, and counting errors on a part of S that the head never saw."""

from __future__ import annotations

from bounds.derivations import held_out as derivation
from bounds.derivations import test_set
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_counts, test_mean
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.test_set import counted


def _loss(evidence: Evidence, delta: float) -> Inputs:
    losses = test_mean(evidence, evidence.head)
    values = {"N": losses.trials, "projected_H": losses.mean, "delta": delta}
    return Inputs(derivation.loss(), values, {"delta": delta}, evidence.head)


def _count(evidence: Evidence, delta: float) -> Inputs:
    count = held_out_count(evidence)
    head = fitting_head(evidence, count)
    counts = counted(held_out_counts(evidence, head, count))
    values = {"N": counts.trials, "mistakes": counts.mistakes, "delta": delta}
    return Inputs(test_set.expression(), values, {"delta": delta}, head, counts.notes)


TEST_SET_LOSS = Theorem(
    name="test_set_loss",
    title="held-out labels, kl limit of the projected loss",
    source="Hoeffding (1963), Thm 1, inverted",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    assumptions=("H",),
    inputs=_loss,
    texts={"test_loss": ("measured projected loss on the held-out items", "a better head")},
)

HELD_OUT = Theorem(
    name="held_out",
    title="a part of S held out, Clopper-Pearson: what any certificate from the same labels has to beat",
    source="Clopper and Pearson (1934), one-sided",
    statement=r"\mathbb{P}(\arg\max W f(x) \ne y)",
    predictor="head as given by `head`, on S without the held-out part",
    assumptions=("A2", "A6"),
    inputs=_count,
    splits=True,
    texts={},
    axis=ERROR,
)
