"""Bao, Nagano and Nozawa (2022): the surrogate gap with coefficient one, for any number of negatives."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import log_plus_exp, negatives, span, task_size, temperature
from bounds.derivations.expression import Expression
from bounds.derivations.infonce import sampling
from bounds.derivations.symbols import symbol

feature_deviation = symbol(
    "feature_deviation", r"\hat\sigma", "mean of ‖f(x) − μ_y‖, with the class means of S"
)


def reverse_jensen() -> sp.Expr:
    """2 ln cosh(r/(2t)) ≥ ln E e^u − E u for u of range r/t.

    E e^u · E e^{−u} ≤ cosh²(r/(2t)) (Kantorovich), and −E u ≤ ln E e^{−u}.
    """
    return 2 * log_plus_exp(1, span / temperature) - span / temperature - 2 * sp.log(2)


@cache
def expression(*, deviation: bool = False) -> Expression:
    """L + ln(K/k) + 2 ln cosh(r/(2t)): without the positive in the sum, Jensen over k negatives.

    Args:
        deviation: Positives are views of the anchor's item, not class mates; f(x)ᵀ(f(x⁺) − μ_y) ≤
            ‖f(x⁺) − μ_y‖ adds σ/t (van Elst and Ghoshdastidar 2024).
    """
    terms = {**sampling(exact=True), "task_size": task_size(negatives), "surrogate_gap": reverse_jensen()}
    if deviation:
        terms["feature_deviation"] = feature_deviation / temperature
    return Expression(terms)
