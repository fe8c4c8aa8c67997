"""Proofs of `reference_head` and `reference_head_loss`: through a head judged by held-out labels."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import reference_head
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import unequal_trials
from bounds.derivations.lemmas import classes, concentration, counts, geometry, pairs_of_views
from bounds.derivations.quantities import (
    difference,
    error,
    expected_gap,
    pair_difference,
    pair_gap,
    projected_loss,
    reference_error,
    reference_loss,
)
from bounds.derivations.reference_head import differing, head_gap, projected_ref
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m, mistakes
from bounds.derivations.vicreg_sharp import upper_mean

_COUNTS = {"mistakes": (0, 30), "N": (40, 2000), "differing": (0, 30), "m": (40, 2000)}
_MEANS = dict.fromkeys(
    ("projected_ref", "head_gap", "reference_loss", "expected_gap", "pair_gap"), (0.1, 1.3)
)


def _shift(
    conditioned: bool, whole: sp.Symbol, pairs: sp.Symbol, spread: sp.Expr
) -> tuple[sp.Symbol, list[Step]]:
    if not conditioned:
        return whole, []
    return pairs, [
        classes.class_shift(),
        classes.shifted("classes of the pairs", whole, pairs, spread, TV_pairs),
    ]


def error_rate(*, conditioned_pairs: bool = False) -> Derivation:
    """Error of W* on held-out labels plus disagreement on unlabeled items."""
    measured, shift = _shift(conditioned_pairs, difference, pair_difference, sp.Integer(1))
    level = unequal_trials(delta_2) if conditioned_pairs else delta_2
    steps = [
        pairs_of_views.head_against_head(),
        Step(
            "triangle inequality",
            sp.Le(error, reference_error + difference, evaluate=False),
            "error through a reference head, averaged",
            "symbolic",
            lambda: pairs_of_views.head_against_head().result,
        ),
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "held-out labels", reference_error, clopper_pearson(mistakes, N, delta_1), mistakes, N, delta_1
        ),
        *shift,
        *([counts.unequal_trials_theorem()] if conditioned_pairs else []),
        counts.clopper_pearson(
            "unlabeled items",
            measured,
            clopper_pearson(differing, m, level),
            differing,
            m,
            delta_2,
            conditioned_pairs,
        ),
    ]
    return conclude(
        "reference_head",
        error,
        steps,
        reference_head.error(conditioned_pairs=conditioned_pairs),
        delta_1 + delta_2,
        sizes=(N, m),
        floor=None,
        grows=(mistakes, differing),
        domain=_COUNTS,
        whole=True,
        variant={"conditioned_pairs": conditioned_pairs},
    )


def loss(*, conditioned_pairs: bool = False) -> Derivation:
    """The same for the projected loss, with kl limits."""
    spread = sp.sqrt(2)
    measured, shift = _shift(conditioned_pairs, expected_gap, pair_gap, spread)
    steps = [
        *geometry.simplex_projection(),
        geometry.triangle(),
        Step(
            "through the reference head",
            sp.Le(projected_loss, reference_loss + expected_gap, evaluate=False),
            "triangle inequality, averaged",
            "falsification",
            lambda: geometry.triangle().result,
        ),
        concentration.kl_theorem(),
        concentration.kl_limit(
            "held-out labels",
            reference_loss,
            upper_mean(projected_ref, spread, delta_1, N),
            projected_ref,
            spread,
            delta_1,
            N,
        ),
        *shift,
        concentration.kl_limit(
            "unlabeled items",
            measured,
            upper_mean(head_gap, spread, delta_2, m),
            head_gap,
            spread,
            delta_2,
            m,
        ),
    ]
    return conclude(
        "reference_head_loss",
        projected_loss,
        steps,
        reference_head.loss(conditioned_pairs=conditioned_pairs),
        delta_1 + delta_2,
        sizes=(N, m),
        floor=projected_ref + head_gap + (spread * TV_pairs if conditioned_pairs else 0),
        grows=(projected_ref, head_gap),
        domain=_MEANS,
        whole=True,
        variant={"conditioned_pairs": conditioned_pairs},
    )
