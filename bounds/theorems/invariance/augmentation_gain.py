"""`augmentation_gain` and its relatives: the rigorous content of invariance when pairs are augmentations.

For any predictor g and views independent given the image u, with ḡ(u) = E[g(x) | u],
E‖g(x) − e_y‖² − E‖ḡ(u) − e_y‖² = ½E‖g(x⁺) − g(x⁺⁺)‖²: the variance around ḡ, whatever the label.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp
import torch

from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_apart
from bounds.evidence.memo import memo
from bounds.evidence.splits import fitting_head, held_out_count, part_chunks, require_refit
from bounds.evidence.votes import view_votes
from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import bernstein, counted
from bounds.proofs.lemmas.geometry import polarised, told_apart
from bounds.proofs.terms import Apply, Differ, E, Mean, Project
from bounds.summaries.moments import Moments
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import not_monotone, pair_total_variation, require_fixed_encoder
from bounds.theorems.vocabulary import (
    AUGMENTED,
    FITTED,
    TWO_VIEWS,
    W,
    concluded,
    crossed,
    deltas,
    half_moved,
    projected,
    views_of_one_label,
    wrong,
    y,
    z,
    z2,
)

GAIN = Axis("squared risk", "½E‖g(x⁺) − g(x⁺⁺)‖², part of the squared risk of g = Π(W f)", "none")
SQUARED_RISK = Axis("squared risk", "E‖g(x) − e_y‖², squared risk of g = Π(W f)", "linear", factor=2.0)
ERROR_FLOOR = Axis("error, from below", "lower limit of the error rate on views", "none")
_TEXTS = {
    "gain": ("squared risk that averaging over views would save", "a more invariant head"),
    "averaged_risk": ("squared risk of the prediction averaged over views", "a better head"),
    "disagreement": ("half the share of pairs that the head tells apart", ""),
}
_BELOW = "a lower limit: the quantity is at least this"


_d1, _d2, *_ = deltas


@cache
def upper() -> Conclusion:
    """Upper end of the interval at δ₁ + δ₂; each value lies in [0, 1]."""
    half = half_moved(W)
    return concluded(bernstein(Mean(AUGMENTED, half), _d1), E(half))


@cache
def lower() -> Conclusion:
    """Lower end of the same interval."""
    half = half_moved(W)
    fact = bernstein(Mean(AUGMENTED, half), _d2, upper=False)
    return concluded(fact.subtract(fact.rhs - E(half)), E(half), below=True)


@cache
def risk() -> Conclusion:
    """⟨r⁺, r⁺⁺⟩ ∈ [0, 2] is unbiased for the risk of ḡ; the gain is the rest."""
    one, two = (Project(Apply(FITTED, vector)) for vector in (z, z2))
    bound = (
        polarised(one, two, y)
        .expect()
        .chain(
            bernstein(Mean(TWO_VIEWS, crossed(FITTED)), _d1, "averaged_risk"),
            bernstein(Mean(AUGMENTED, half_moved(FITTED)), _d2, "gain"),
        )
    )
    return concluded(bound, E(projected(FITTED) ** 2))


@cache
def floor(*, conditioned_pairs: bool = False) -> Conclusion:
    """Where two views of one label are told apart, one of them is wrong."""
    apart = Differ(W, z, W, z2)
    alike = counted(1 - Mean(views_of_one_label(conditioned_pairs), apart), _d1)
    half = sp.Rational(1, 2)
    bound = told_apart(W, z, z2, y).expect().plus(alike)
    bound = bound.subtract(bound.rhs - 2 * E(wrong(W))).scaled(half)
    return concluded(bound, E(wrong(W)), below=True)


def _gain(evidence: Evidence, head: FittedHead) -> dict[str, float]:
    require_fixed_encoder(evidence)
    require_refit(evidence)
    if evidence.m < 2:
        raise NotApplicable("needs at least two pairs for a sample variance.")
    votes = view_votes(evidence, head)
    return {"m": evidence.m, "gain": float(votes.mean[1]), "gain_variance": float(votes.variance[1])}


def _upper(evidence: Evidence, delta: float) -> Inputs:
    split = shares(delta, "delta_1", "delta_2")
    values = {**_gain(evidence, evidence.head), **split}
    low = lower().expression
    end = low.combined(low.evaluate(values))
    note = f"with augmentation_gain_lower a two-sided interval at δ = {delta:g}: [{end:.4g}, this value]"
    return Inputs.proven(upper(), values, split, evidence.head, (note,))


def _lower(evidence: Evidence, delta: float) -> Inputs:
    split = shares(delta, "delta_1", "delta_2")
    return Inputs.proven(
        lower(), {**_gain(evidence, evidence.head), **split}, split, evidence.head, (_BELOW,)
    )


def _cross(evidence: Evidence, head: FittedHead, count: int) -> Moments:
    """⟨g(x⁺) − e_y, g(x⁺⁺) − e_y⟩ over the held-out rows with two views."""
    found = Moments.empty(1)
    for (one, two), labels in part_chunks(evidence, 0, count):
        target = torch.nn.functional.one_hot(labels, evidence.setting.num_classes).to(one)
        first, second = (project_simplex(head(view)) - target for view in (one, two))
        found = found.update((first * second).sum(1).cpu())
    return found


def _risk(evidence: Evidence, delta: float) -> Inputs:
    if len(evidence.labeled.views) != 2:
        raise NotApplicable("needs two views of each labeled item; pass `labeled` as (x1, x2, y).")
    count = held_out_count(evidence, fewest=2)
    head = fitting_head(evidence, count)
    cross = memo(evidence, ("cross", count), lambda: _cross(evidence, head, count))
    split = shares(delta, "delta_1", "delta_2")
    values = {
        **_gain(evidence, head),
        "N": count,
        "cross": float(cross.mean[0]),
        "cross_variance": float(cross.variance[0]),
        **split,
    }
    doubts = not_monotone(held_out_apart(evidence, count))
    return Inputs.proven(risk(), values, split, head, doubts=doubts)


def _floor(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    require_refit(evidence)
    differing = round(float(view_votes(evidence, evidence.head).mean[0]) * evidence.m)
    values = {"m": evidence.m, "disagreements": differing, "delta_1": delta}
    values["TV_pairs"] = pair_total_variation(evidence)
    proven = floor(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs.proven(proven, values, {"delta_1": delta}, evidence.head, (_BELOW,))


def _theorem(
    name: str,
    title: str,
    statement: str,
    axis: Axis,
    inputs: Callable[[Evidence, float], Inputs],
    proof: Callable[..., Conclusion],
    splits: bool = False,
) -> Theorem:
    return Theorem(
        name=name,
        title=title,
        source="this package; Maurer and Pontil (2009), Thm 4; Clopper and Pearson (1934)",
        statement=statement,
        predictor="head as given by `head`, projected on the simplex",
        inputs=inputs,
        texts=_TEXTS,
        axis=axis,
        splits=splits,
        proof=proof,
    )


_COST = r"\mathbb{E}\|g(x)-e_y\|^2-\mathbb{E}\|\bar g(u)-e_y\|^2"

AUGMENTATION_GAIN = _theorem(
    "augmentation_gain", "squared risk lost to lack of invariance", _COST, GAIN, _upper, upper
)
AUGMENTATION_GAIN_LOWER = _theorem(
    "augmentation_gain_lower",
    "squared risk lost to lack of invariance, from below",
    _COST,
    GAIN,
    _lower,
    lower,
)
AUGMENTATION_RISK = _theorem(
    "augmentation_risk",
    "squared risk on views: averaged predictor plus lack of invariance",
    r"\mathbb{E}\|g(x)-e_y\|^2",
    SQUARED_RISK,
    _risk,
    risk,
    splits=True,
)
AUGMENTATION_ERROR_FLOOR = _theorem(
    "augmentation_error_floor",
    "error on views, from below and without labels",
    r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    ERROR_FLOOR,
    _floor,
    floor,
)
