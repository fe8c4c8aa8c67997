"""Theorem 2 with every valid tightening: simplex projection, kl limits, known prior, fresh second views."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import Min, kl_inverse, kl_inverse_first
from bounds.derivations.inequalities import mcdiarmid_total_variation, weissman
from bounds.derivations.symbols import (
    TV_S,
    K,
    TV_pairs,
    c,
    delta_1,
    delta_2,
    delta_3,
    delta_4,
    delta_5,
    delta_6,
    invariance,
    kappa_ref,
    kappa_S,
    m,
    n,
    phi_S,
    phi_second,
    projected_S,
    tau,
)


def upper_mean(mean: sp.Expr, spread: sp.Expr, delta: sp.Expr, count: sp.Expr) -> sp.Expr:
    """r·kl⁻¹(mean/r; ln(1/δ)/N): upper limit of the expectation of values in [0, r] (theory: K3)."""
    return spread * kl_inverse(Min(1, mean / spread), sp.log(1 / delta) / count)


def upper_average(expectation: sp.Expr, spread: sp.Expr, delta: sp.Expr, count: sp.Expr) -> sp.Expr:
    """r·sup{a : kl(a‖E/r) ≤ ln(1/δ)/N}: upper limit of an average whose expectation is known (theory: K3)."""
    return spread * kl_inverse_first(Min(1, expectation / spread), sp.log(1 / delta) / count)


def total_variation(classes: sp.Expr, delta: sp.Expr, count: sp.Expr) -> sp.Expr:
    """The smaller of two radii for TV(p, p̂), neither of which looks at the data (theory: K4)."""
    return Min(weissman(classes, delta, count), mcdiarmid_total_variation(classes, delta, count))


@cache
def expression(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Expression:
    """Theory §2, last paragraph, for one fixed representation (A3) and the projected head Π(W_S f)."""
    pair_shift = TV_pairs if prior_known or conditioned_pairs else total_variation(K, delta_6, m)
    expected_invariance = upper_mean(invariance, tau, delta_2, m) + (
        tau * TV_pairs if conditioned_pairs else 0
    )
    labeled_invariance = upper_average(expected_invariance, tau, delta_1, n)
    expected_phi = upper_mean(phi_second, kappa_ref, delta_4, m) + kappa_ref * pair_shift
    return Expression(
        {
            "invariance": c * invariance,
            "unlabeled_residual": phi_second,
            "labeled_residual": projected_S,
            "reference_on_labeled": phi_S,
            "class_frequencies": kappa_S * (TV_S if prior_known else total_variation(K, delta_5, n)),
            "confidence": c * (labeled_invariance - invariance)
            + upper_average(expected_phi, kappa_ref, delta_3, n)
            - phi_second,
        }
    )
