"""Proofs of `centred_head` and `centred_head_error`: near a head learned apart (theory §5b)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import centred_head
from bounds.derivations.centred_head import (
    margin,
    metrics,
    moment_range,
    moment_variance,
    projected_Q,
    ramp_Q,
    second_moment,
    thresholds,
)
from bounds.derivations.chain import conclude
from bounds.derivations.lemmas import complexity, concentration, geometry, heads
from bounds.derivations.pac_bayes import n_Q
from bounds.derivations.proofs.supervised import gaussian_ball
from bounds.derivations.quantities import (
    error,
    head_complexity,
    projected_loss,
    ramp_complexity,
    scaled_moment,
)
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import K, beta, delta_1, delta_2, weight_j


def _moment() -> list[Step]:
    return [
        concentration.maurer_pontil_theorem(),
        concentration.empirical_bernstein(
            "second moment in the metric",
            scaled_moment,
            second_moment,
            moment_variance,
            moment_range,
            delta_1 / metrics,
            n_Q,
            "The metric comes from P, so Q is fresh for it.",
            spends=delta_1,
        ),
    ]


def loss() -> Derivation:
    """The projected residual on Q, for the head fitted on all of S."""
    steps = [
        *geometry.simplex_projection(),
        complexity.symmetrisation(),
        concentration.mcdiarmid_theorem(),
        concentration.mcdiarmid(
            "head on Q",
            projected_loss,
            projected_Q + 2 * head_complexity / sp.sqrt(n_Q),
            sp.sqrt(2),
            delta_2 * weight_j / metrics,
            n_Q,
            head_complexity,
            "Uniform over heads near the centre, which comes from P; the head itself may use all of S.",
            spends=delta_2,
        ),
        complexity.radius_grid(),
        *gaussian_ball(scaled_moment),
        *_moment(),
    ]
    return conclude(
        "centred_head",
        projected_loss,
        steps,
        centred_head.loss(),
        delta_1 + delta_2,
        sizes=(n_Q,),
        floor=projected_Q,
        grows=(K, beta, second_moment, moment_variance, moment_range, projected_Q, metrics),
    )


def error_rate() -> Derivation:
    """The same through the ramp of the margin."""
    ramp = heads.ramp()
    steps = [
        ramp,
        complexity.symmetrisation(),
        concentration.mcdiarmid_theorem(),
        concentration.mcdiarmid(
            "ramp on Q",
            error,
            ramp_Q + 2 * ramp_complexity / sp.sqrt(n_Q),
            sp.Integer(1),
            delta_2 * weight_j / (metrics * thresholds),
            n_Q,
            ramp_complexity,
            "Uniform over heads near the centre; each width of the ramp gets an equal share.",
            spends=delta_2,
        ),
        complexity.radius_grid(),
        Step(
            "ramp of the head class",
            sp.Le(ramp_complexity, sp.sqrt(2) / margin * head_complexity, evaluate=False),
            "the ramp is (sqrt 2/gamma)-Lipschitz in the scores",
            "falsification",
            lambda: ramp.result,
        ),
        *gaussian_ball(scaled_moment),
        *_moment(),
    ]
    return conclude(
        "centred_head_error",
        error,
        steps,
        centred_head.error(),
        delta_1 + delta_2,
        sizes=(n_Q,),
        floor=ramp_Q,
        grows=(K, beta, second_moment, moment_variance, moment_range, ramp_Q, metrics, thresholds),
        also_falls=(margin,),
    )
