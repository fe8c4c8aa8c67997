"""Few labels correct a predicted error rate that many unlabeled items measure (theory §5)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import empirical_bernstein
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m, symbol

predicted = symbol("predicted", r"\tfrac1m\sum_U\hat g", "mean predicted error on the unlabeled items")
predicted_variance = symbol("predicted_variance", r"\hat V_U", "sample variance of the predicted error")
rectifier = symbol(
    "rectifier", r"\tfrac1N\sum_H(\mathrm{err}-\hat g)", "mean correction on the held-out items", real=True
)
rectifier_variance = symbol(
    "rectifier_variance", r"\hat V_H", "sample variance of err − ĝ on the held-out items"
)
rectifier_limit = symbol(
    "rectifier_limit",
    r"[\mathbb{E}(\mathrm{err}-\hat g)]^+",
    "upper limit of the correction by betting",
    real=True,
)


@cache
def expression(*, betting: bool = False, conditioned_pairs: bool = False) -> Expression:
    """E err = E ĝ + E(err − ĝ): an upper limit of each, ĝ ∈ [0, 1] and err − ĝ ∈ [−1, 1].

    With `betting` the limit of the second mean is a number found by betting on the held-out items in their order.
    """
    held_out = (
        rectifier_limit - rectifier
        if betting
        else empirical_bernstein(rectifier_variance, sp.Integer(2), delta_2, N)
    )
    terms = {
        "predicted_error": predicted,
        "rectifier": rectifier,
        "confidence": empirical_bernstein(predicted_variance, sp.Integer(1), delta_1, m) + held_out,
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = TV_pairs
    return Expression(terms)
