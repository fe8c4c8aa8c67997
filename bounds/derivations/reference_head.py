"""Theorem 2 without its losses: a reference head on held-out items, and the distance to it (theory §5b)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import unequal_trials
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m, mistakes, symbol
from bounds.derivations.vicreg_sharp import upper_mean

differing = symbol("differing", r"k_U", "unlabeled items on which the two heads decide differently")
projected_ref = symbol(
    "projected_ref", r"\hat r^{\Pi}_H", "mean projected residual of the reference head, held out"
)
head_gap = symbol("head_gap", r"\hat d_U", "mean ‖Π(W f) − Π(W* f)‖ over the unlabeled items")


@cache
def error(*, conditioned_pairs: bool = False) -> Expression:
    """err(W) ≤ err(W*) + P(W and W* decide differently)."""
    measured = {"held_out_error": mistakes / N, "disagreement": differing / m}
    level = unequal_trials(delta_2) if conditioned_pairs else delta_2
    limits = clopper_pearson(mistakes, N, delta_1) + clopper_pearson(differing, m, level)
    return Expression(_terms(measured, limits, TV_pairs if conditioned_pairs else None))


@cache
def loss(*, conditioned_pairs: bool = False) -> Expression:
    """E‖ΠWf − y‖ ≤ E‖ΠW*f − y‖ + E‖ΠWf − ΠW*f‖, each in [0, √2]."""
    spread = sp.sqrt(2)
    measured = {"held_out_residual": projected_ref, "head_distance": head_gap}
    limits = upper_mean(projected_ref, spread, delta_1, N) + upper_mean(head_gap, spread, delta_2, m)
    return Expression(_terms(measured, limits, spread * TV_pairs if conditioned_pairs else None))


def _terms(measured: dict[str, sp.Expr], limits: sp.Expr, frequencies: sp.Expr | None) -> dict[str, sp.Expr]:
    terms = {**measured, "confidence": limits - sp.Add(*measured.values())}
    return terms if frequencies is None else {**terms, "pair_frequencies": frequencies}
