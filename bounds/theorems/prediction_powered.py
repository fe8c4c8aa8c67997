"""`prediction_powered`: few held-out labels and many unlabeled items on which the head predicts its own error."""

from __future__ import annotations

from bounds.derivations import prediction_powered as derivation
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_apart, pairs_apart
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import predicted_errors
from bounds.summaries.betting import betting_upper
from bounds.summaries.moments import Moments
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import not_monotone, pair_total_variation, require_fixed_encoder


def _inputs_for(evidence: Evidence, delta: float, betting: bool) -> Inputs:
    require_fixed_encoder(evidence)
    count = held_out_count(evidence, fewest=2)
    if evidence.m < 2:
        raise NotApplicable("needs at least two unlabeled items for a sample variance.")
    head = fitting_head(evidence, count)
    unlabeled, corrections = predicted_errors(evidence, head, count)
    held_out = Moments.of(corrections)
    split = shares(delta, "delta_1", "delta_2")
    values = {
        "m": evidence.m,
        "N": count,
        "predicted": float(unlabeled.mean[0]),
        "predicted_variance": float(unlabeled.variance[0]),
        "rectifier": float(held_out.mean[0]),
        "rectifier_variance": float(held_out.variance[0]),
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    if betting:
        values["rectifier_limit"] = 2.0 * betting_upper((corrections + 1.0) / 2.0, split["delta_2"]) - 1.0
    expression = derivation.expression(betting=betting, conditioned_pairs=evidence.setting.conditioned_pairs)
    doubts = not_monotone(held_out_apart(evidence, count), pairs_apart(evidence, (0,)))
    return Inputs(expression, values, split, head, doubts=doubts)


def _bernstein(evidence: Evidence, delta: float) -> Inputs:
    return _inputs_for(evidence, delta, betting=False)


def _betting(evidence: Evidence, delta: float) -> Inputs:
    return _inputs_for(evidence, delta, betting=True)


PREDICTION_POWERED = Theorem(
    name="prediction_powered",
    title="prediction-powered error, empirical Bernstein on both means",
    source="after Angelopoulos et al. (2023); Maurer and Pontil (2009), Thm 4",
    statement=r"\mathbb{P}(\arg\max W f(x) \ne y)",
    predictor="head as given by `head`, on S without the held-out part",
    assumptions=("A2", "A3", "A6", "A7", "U", "prior"),
    inputs=_bernstein,
    splits=True,
    texts={
        "predicted_error": ("the head's own prediction of its error, unlabeled items", "a better head"),
        "rectifier": ("what held-out labels add to the prediction", "a calibrated prediction"),
    },
    axis=ERROR,
)

PREDICTION_POWERED_BETTING = Theorem(
    name="prediction_powered_betting",
    title="prediction-powered error, betting on the held-out items",
    source="after Angelopoulos et al. (2023); Waudby-Smith and Ramdas (2024)",
    statement=PREDICTION_POWERED.statement,
    predictor=PREDICTION_POWERED.predictor,
    assumptions=PREDICTION_POWERED.assumptions,
    inputs=_betting,
    splits=True,
    texts=PREDICTION_POWERED.texts,
    axis=ERROR,
)
