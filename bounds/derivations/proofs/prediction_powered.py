"""Proof of `prediction_powered`: a predicted error rate, corrected by few labels (theory §5)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import prediction_powered
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import classes, concentration, counts
from bounds.derivations.prediction_powered import (
    predicted,
    predicted_variance,
    rectifier,
    rectifier_limit,
    rectifier_variance,
)
from bounds.derivations.quantities import error, expected_prediction, expected_rectifier, pair_prediction
from bounds.derivations.steps import Derivation, Result, Step
from bounds.derivations.symbols import N, TV_pairs, delta_1, delta_2, m


def proof(*, betting: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Two means, an upper limit of each."""
    measured = pair_prediction if conditioned_pairs else expected_prediction

    def split() -> Result:
        wrong, guess = sp.symbols("err g_hat")
        return Result(sp.expand(guess + (wrong - guess) - wrong) == 0, "identity, item by item")

    steps = [
        Step(
            "prediction and correction",
            sp.Le(error, expected_prediction + expected_rectifier, evaluate=False),
            "add and subtract the predicted error (an equality)",
            "symbolic",
            split,
        ),
        concentration.maurer_pontil_theorem(),
        concentration.empirical_bernstein(
            "unlabeled items", measured, predicted, predicted_variance, sp.Integer(1), delta_1, m
        ),
    ]
    if conditioned_pairs:
        steps += [
            classes.class_shift(),
            classes.shifted("classes of the pairs", expected_prediction, measured, sp.Integer(1), TV_pairs),
        ]
    if betting:
        steps += [
            counts.betting_theorem(),
            counts.betting("held-out items", expected_rectifier, rectifier_limit, delta_2),
        ]
    else:
        steps.append(
            concentration.empirical_bernstein(
                "held-out items", expected_rectifier, rectifier, rectifier_variance, sp.Integer(2), delta_2, N
            )
        )
    return conclude(
        "prediction_powered_betting" if betting else "prediction_powered",
        error,
        steps,
        prediction_powered.expression(betting=betting, conditioned_pairs=conditioned_pairs),
        delta_1 + delta_2,
        sizes=(N, m),
        floor=predicted
        + (rectifier_limit if betting else rectifier)
        + (TV_pairs if conditioned_pairs else 0),
        grows=(predicted, predicted_variance, rectifier, rectifier_variance, rectifier_limit),
        whole=betting,
        variant={"conditioned_pairs": conditioned_pairs},
    )


def betting(*, conditioned_pairs: bool = False) -> Derivation:
    """The correction bounded by betting."""
    return proof(betting=True, conditioned_pairs=conditioned_pairs)
