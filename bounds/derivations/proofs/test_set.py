"""Proof of `test_set`: the one-sided Clopper-Pearson limit (theory §5)."""

from __future__ import annotations

from bounds.derivations import test_set
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.lemmas import concentration
from bounds.derivations.steps import Derivation
from bounds.derivations.symbols import N, delta, mistakes, symbol

error = symbol("error", r"\mathbb P(\arg\max Wf(x)\ne y)", "error rate of the head")


def proof() -> Derivation:
    """One step: given the head, the number of errors on independent items is binomial."""
    steps = [
        concentration.clopper_pearson_theorem(),
        concentration.clopper_pearson(
            "held-out items", error, clopper_pearson(mistakes, N, delta), mistakes, N, delta
        ),
    ]
    return conclude(
        "test_set",
        error,
        steps,
        test_set.expression(),
        delta,
        sizes=(N,),
        floor=None,
        grows=(mistakes,),
        domain={"mistakes": (0, 30), "N": (40, 2000)},
        whole=True,
    )
