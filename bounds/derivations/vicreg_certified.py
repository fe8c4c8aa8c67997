"""Theorem 2's proof with every constant counted (theory §2), and its two neighbours §3 and the one-line reference."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import head_class, hoeffding, weissman
from bounds.derivations.symbols import (
    R_F,
    TV_S,
    B,
    K,
    TV_pairs,
    W_norm,
    beta,
    c,
    delta_1,
    delta_2,
    delta_3,
    delta_4,
    delta_5,
    functions,
    invariance,
    kappa_ref,
    kappa_S,
    m,
    n,
    residual_ref,
    residual_S,
    tau,
    weight_j,
)


def _class_term(prior_known: bool) -> sp.Expr:
    return kappa_S * (TV_S if prior_known else weissman(K, delta_5, n))


def _invariance_terms(factor: sp.Expr) -> dict[str, sp.Expr]:
    return {
        "invariance": factor * invariance,
        "representation_complexity": factor * 2 * R_F / sp.sqrt(m),
    }


def _invariance_confidence(factor: sp.Expr) -> dict[str, sp.Expr]:
    return {
        "invariance_pairs": factor * hoeffding(tau, delta_2, m),
        "invariance_labeled": factor * hoeffding(tau, delta_1, n),
    }


def _reference_head_class() -> sp.Expr:
    """2R̃_m(W_β∘f)/√m, twice which bounds how far E‖φ‖ may exceed the residual of the fitted reference head."""
    return 2 * head_class(beta, K, B) / sp.sqrt(m)


def _reference_radius() -> sp.Expr:
    return hoeffding(1 + beta * B, delta_4 * weight_j / functions, m)


@cache
def certified(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Expression:
    """Theory §2."""
    confidence = _invariance_confidence(c) | {
        "head_pairs": 2 * _reference_radius(),
        "head_labeled": 2 * hoeffding(kappa_ref, delta_3, n),
    }
    moved = _invariance_terms(c)
    terms = {
        "invariance": moved["invariance"],
        "unlabeled_residual": 2 * residual_ref,
        "labeled_residual": residual_S,
        "representation_complexity": moved["representation_complexity"],
        "head_complexity": 2 * _reference_head_class(),
        "class_frequencies": _class_term(prior_known),
        "confidence": sp.Add(*confidence.values()),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = (c * tau + 2 * (1 + beta * B)) * TV_pairs
    return Expression(terms, parts={"confidence": confidence})


@cache
def direct(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Expression:
    """Theory §3: the reference head is zero, so no label of S̄ and no independence of S and S̄ is needed."""
    confidence = _invariance_confidence(W_norm)
    moved = _invariance_terms(W_norm)
    terms = {
        "invariance": moved["invariance"],
        "labeled_residual": residual_S,
        "representation_complexity": moved["representation_complexity"],
        "class_frequencies": _class_term(prior_known),
        "confidence": sp.Add(*confidence.values()),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = W_norm * tau * TV_pairs
    return Expression(terms, parts={"confidence": confidence})


@cache
def trivial(*, conditioned_pairs: bool = False) -> Expression:
    """E‖W_S f − y‖ ≤ E‖φ‖ + c·B, with E‖φ‖ bounded as in step 7 at the whole δ (here δ₄)."""
    terms = {
        "unlabeled_residual": residual_ref,
        "head_distance": c * B,
        "head_complexity": _reference_head_class(),
        "confidence": _reference_radius(),
    }
    if conditioned_pairs:
        terms["pair_frequencies"] = (1 + beta * B) * TV_pairs
    return Expression(terms)
