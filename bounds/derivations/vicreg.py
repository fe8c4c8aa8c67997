"""Theorem 2 of Shwartz-Ziv et al. (2023) as printed: no proof ends in it."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import head_class, hoeffding, root_frequency
from bounds.derivations.symbols import (
    PY_S,
    R_F,
    B,
    K,
    PY_ref,
    TV_pairs,
    beta,
    c,
    delta,
    invariance,
    kappa_ref,
    kappa_S,
    m,
    n,
    root_frequencies,
    tau,
)

# The printed logarithms spend these shares of δ: together 4/3, not 1.
PRINTED_SHARES = (
    sp.Rational(1, 3),
    sp.Rational(1, 3),
    sp.Rational(1, 6),
    sp.Rational(1, 4),
    sp.Rational(1, 4),
)


@cache
def short_form() -> Expression:
    """The main text's four terms: an expression, not a bound (c = 1, Q hidden, not invariant to the scale of f)."""
    return Expression(
        {
            "invariance": invariance,
            "unlabeled_residual": 2 * PY_ref / sp.sqrt(m),
            "labeled_residual": PY_S / sp.sqrt(n),
            "representation_complexity": 2 * R_F / sp.sqrt(m),
        }
    )


@cache
def expression(*, conditioned_pairs: bool = False) -> Expression:
    """All of Theorem 2."""
    share = [part * delta for part in PRINTED_SHARES]
    kappa = 1 + beta * B
    confidence = {
        "invariance_pairs": c * hoeffding(tau, share[0], m),
        "invariance_labeled": c * hoeffding(tau, share[1], n),
        "head_pairs": 2 * hoeffding(kappa, share[3], m),
        "head_labeled": 2 * hoeffding(kappa_ref, share[4], n),
    }
    short = short_form().terms
    terms = {
        "invariance": c * short["invariance"],
        "unlabeled_residual": short["unlabeled_residual"],
        "labeled_residual": short["labeled_residual"],
        "representation_complexity": c * short["representation_complexity"],
        "head_complexity": 4 * head_class(beta, K, B) / sp.sqrt(m),
        "class_frequencies": kappa_S * root_frequency(K, share[2], n) * root_frequencies,
        "confidence": sp.Add(*confidence.values()),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = (c * tau + 2 * kappa) * TV_pairs
    return Expression(terms, parts={"confidence": confidence})
