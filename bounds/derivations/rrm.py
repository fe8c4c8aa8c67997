"""Robustness, rationality, memorisation: three positive parts of the gap. An estimate."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import Max
from bounds.derivations.symbols import symbol

noise = symbol("noise", r"\eta", "share of labels replaced by another class", positive=True)
train = symbol("train", r"\mathrm{Train}", "accuracy of the clean fit on S")
noisy_train = symbol(
    "noisy_train", r"\mathrm{Train}_\eta", "accuracy of the noisy fits on S, against clean labels"
)
corrupted = symbol("corrupted", r"\mathrm{NTrain}_\eta", "the same on the rows whose label was replaced")
test_accuracy = symbol("test_accuracy", r"\mathrm{Test}", "accuracy of the clean fit on the test items")
information = symbol("information", r"I", "I(ŷ − y; ỹ − y) in nats, pooled over rows and fits")


def memorization_limit() -> sp.Expr:
    """√(I/2)/η ≥ Train_η − NTrain_η: Pinsker on the pooled joint law of (ŷ − y, ỹ − y), I in nats."""
    return sp.sqrt(information / 2) / noise


@cache
def expression(*, rationality: bool, informed: bool = False) -> Expression:
    """Training error plus the three gaps; rationality needs test items and is taken as zero without them."""
    measured = Max(0, noisy_train - corrupted)
    terms = {
        "training_error": 1 - train,
        "robustness": Max(0, train - noisy_train),
        "memorization": memorization_limit() if informed else measured,
    }
    if rationality:
        terms["rationality"] = Max(0, corrupted - test_accuracy)
    return Expression(terms)
