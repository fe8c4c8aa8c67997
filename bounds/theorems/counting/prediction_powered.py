"""`prediction_powered`, `prediction_powered_betting`: unlabeled items on which the head predicts its own error.

err(W) ≤ E ĝ + E(err − ĝ), ĝ ∈ [0, 1] the predicted error: an upper limit of each, by empirical Bernstein or by bets.
"""

from __future__ import annotations

from functools import cache

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_apart, pairs_apart
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import predicted_errors
from bounds.proofs.conclude import Conclusion
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.concentration import bernstein
from bounds.proofs.lemmas.geometry import corrected
from bounds.proofs.terms import Correction, E, Mean
from bounds.summaries.betting import betting_upper
from bounds.summaries.moments import Moments
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import not_monotone, pair_total_variation, require_fixed_encoder
from bounds.theorems.vocabulary import (
    FITTED,
    HELD_OUT,
    concluded,
    correction_limit,
    deltas,
    predicted,
    unlabeled,
    wrong,
    y,
    z,
)

_d1, _d2, *_ = deltas


@cache
def proof(*, conditioned_pairs: bool = False) -> Conclusion:
    """Error is prediction plus correction; empirical Bernstein for both."""
    correction = Correction(FITTED, z, y)
    return _concluded(bernstein(Mean(HELD_OUT, correction), _d2), conditioned_pairs)


@cache
def with_bets(*, conditioned_pairs: bool = False) -> Conclusion:
    """The same, with bets on the correction."""
    correction = Correction(FITTED, z, y)
    return _concluded(correction_limit().isolate(E(correction)), conditioned_pairs)


def _concluded(correction: Fact, conditioned_pairs: bool) -> Conclusion:
    U = unlabeled(conditioned_pairs)
    bound = corrected(FITTED, z, y).expect().chain(bernstein(Mean(U, predicted(FITTED)), _d1), correction)
    return concluded(bound, E(wrong(FITTED)))


def _inputs_for(evidence: Evidence, delta: float, betting: bool) -> Inputs:
    require_fixed_encoder(evidence)
    count = held_out_count(evidence, fewest=2, purpose="correcting")
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
    proven = (with_bets if betting else proof)(conditioned_pairs=evidence.setting.conditioned_pairs)
    doubts = not_monotone(held_out_apart(evidence, count), pairs_apart(evidence, (0,)))
    return Inputs.proven(proven, values, split, head, doubts=doubts)


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
    inputs=_bernstein,
    proof=proof,
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
    inputs=_betting,
    proof=with_bets,
    splits=True,
    texts=PREDICTION_POWERED.texts,
    axis=ERROR,
)
