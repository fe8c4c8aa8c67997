"""Proofs of `augmentation_gain` and its relatives: what pairs of augmentations do certify (theory §3c)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import augmentation_gain as expressions
from bounds.derivations.augmentation_gain import agreements, cross, cross_variance, gain, gain_variance
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.inequalities import unequal_trials
from bounds.derivations.lemmas import classes, concentration, counts, geometry, pairs_of_views
from bounds.derivations.quantities import (
    alike,
    averaged_risk,
    expected_gain,
    minus_error,
    minus_gain,
    pair_alike,
    square_loss,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m

_SLACK = -expressions.lower().terms["confidence"].as_coeff_Add()[0]


def _gain(share: sp.Expr) -> Step:
    return concentration.empirical_bernstein(
        "half squared distance of two views",
        expected_gain,
        gain,
        gain_variance,
        sp.Integer(1),
        share,
        m,
        "The predictor does not depend on the pairs; neither labels nor class pairs are needed.",
    )


def _lemmas() -> list[Step]:
    return [
        pairs_of_views.variance_of_views(),
        pairs_of_views.half_square_range(),
        concentration.maurer_pontil_theorem(),
    ]


def upper() -> Derivation:
    """What averaging over views would gain, from above."""
    return conclude(
        "augmentation_gain",
        expected_gain,
        [*_lemmas(), _gain(delta_1)],
        expressions.upper(),
        delta_1,
        sizes=(m,),
        floor=gain,
        grows=(gain, gain_variance),
    )


def lower() -> Derivation:
    """The same from below: empirical Bernstein for one minus the value."""
    radius = concentration.empirical_bernstein(
        "half squared distance of two views, from below",
        minus_gain,
        -gain + _SLACK,
        gain_variance,
        sp.Integer(1),
        delta_2,
        m,
        "Applied to one minus the value; the slack covers the rounding of a lower limit.",
    )
    return conclude(
        "augmentation_gain_lower",
        minus_gain,
        [*_lemmas(), radius],
        expressions.lower(),
        delta_2,
        sizes=(m,),
        floor=None,
        grows=(gain_variance,),
        whole=True,
        lower=True,
    )


def risk() -> Derivation:
    """The squared risk on views: of the averaged predictor on labeled images, plus the gain on all images."""
    steps = [
        *_lemmas(),
        Step(
            "risk as two means",
            sp.Le(square_loss, averaged_risk + expected_gain, evaluate=False),
            "variance over views (an equality)",
            "symbolic",
            lambda: pairs_of_views.variance_of_views().result,
        ),
        concentration.empirical_bernstein(
            "inner products of residuals", averaged_risk, cross, cross_variance, sp.Integer(2), delta_1, N
        ),
        _gain(delta_2),
        geometry.argmax_error(),
    ]
    return conclude(
        "augmentation_risk",
        square_loss,
        steps,
        expressions.risk(),
        delta_1 + delta_2,
        sizes=(m, N),
        floor=cross + gain,
        grows=(gain, gain_variance, cross, cross_variance),
    )


def floor(*, conditioned_pairs: bool = False) -> Derivation:
    """Half the disagreement from below, which no labels can refute."""
    level = unequal_trials(delta_1) if conditioned_pairs else delta_1
    measured = pair_alike if conditioned_pairs else alike

    steps = [
        pairs_of_views.label_kept(),
        Step(
            "half the disagreement",
            sp.Le(minus_error, (alike - 1) / 2 + _SLACK, evaluate=False),
            "one of two is wrong, averaged over views of one distribution; the slack covers rounding",
            "symbolic",
            lambda: pairs_of_views.label_kept().result,
        ),
        counts.clopper_pearson_theorem(),
    ]
    if conditioned_pairs:
        steps += [
            classes.class_shift(),
            classes.shifted("classes of the pairs", alike, pair_alike, sp.Integer(1), TV_pairs),
            counts.unequal_trials_theorem(),
        ]
    limit = clopper_pearson(agreements, m, level)
    steps.append(
        counts.clopper_pearson(
            "pairs decided alike", measured, limit, agreements, m, delta_1, conditioned_pairs
        )
    )
    return conclude(
        "augmentation_error_floor",
        minus_error,
        steps,
        expressions.error_floor(conditioned_pairs=conditioned_pairs),
        delta_1,
        sizes=(),
        floor=None,
        domain={"agreements": (20, 35), "m": (40, 400)},
        whole=True,
        lower=True,
        variant={"conditioned_pairs": conditioned_pairs},
    )
