"""`augmentation_gain` and its relatives: the rigorous content of invariance when pairs are augmentations."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bounds.derivations import augmentation_gain as derivation
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_apart
from bounds.evidence.memo import memo
from bounds.evidence.splits import fitting_head, held_out_count, part_chunks, require_refit
from bounds.evidence.votes import view_votes
from bounds.heads.fitted import FittedHead
from bounds.heads.simplex import project_simplex
from bounds.summaries.moments import Moments
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import not_monotone, pair_total_variation, require_fixed_encoder

GAIN = Axis("squared risk", "½E‖g(x⁺) − g(x⁺⁺)‖², part of the squared risk of g = Π(W f)", "none")
SQUARED_RISK = Axis("squared risk", "E‖g(x) − e_y‖², squared risk of g = Π(W f)", "linear", factor=2.0)
ERROR_FLOOR = Axis("error, from below", "lower limit of the error rate on views", "none")
_TEXTS = {
    "gain": ("squared risk that averaging over views would save", "a more invariant head"),
    "averaged_risk": ("squared risk of the prediction averaged over views", "a better head"),
    "half_disagreement": ("half the share of pairs that the head tells apart", ""),
}
_BELOW = "a lower limit: the quantity is at least this"


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
    low = derivation.lower()
    end = low.combined(low.evaluate(values))
    note = f"with augmentation_gain_lower a two-sided interval at δ = {delta:g}: [{end:.4g}, this value]"
    return Inputs(derivation.upper(), values, split, evidence.head, (note,))


def _lower(evidence: Evidence, delta: float) -> Inputs:
    split = shares(delta, "delta_1", "delta_2")
    return Inputs(
        derivation.lower(), {**_gain(evidence, evidence.head), **split}, split, evidence.head, (_BELOW,)
    )


def _cross(evidence: Evidence, head: FittedHead, count: int) -> Moments:
    """⟨g(x⁺) − e_y, g(x⁺⁺) − e_y⟩ over the held-out rows with two views."""
    found = Moments.empty(1)
    for views, labels in part_chunks(evidence, 0, count):
        target = torch.nn.functional.one_hot(labels, evidence.setting.num_classes).to(views[0].dtype)
        first, second = (project_simplex(head(view)) - target for view in views)
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
    return Inputs(derivation.risk(), values, split, head, doubts=doubts)


def _floor(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    require_refit(evidence)
    agreements = round((1.0 - float(view_votes(evidence, evidence.head).mean[0])) * evidence.m)
    values = {"m": evidence.m, "agreements": agreements, "delta_1": delta}
    values["TV_pairs"] = pair_total_variation(evidence)
    expression = derivation.error_floor(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, {"delta_1": delta}, evidence.head, (_BELOW,))


def _theorem(
    name: str,
    title: str,
    statement: str,
    axis: Axis,
    inputs: Callable[[Evidence, float], Inputs],
    assumptions: tuple[str, ...],
    splits: bool = False,
) -> Theorem:
    return Theorem(
        name=name,
        title=title,
        source="this package; Maurer and Pontil (2009), Thm 4; Clopper and Pearson (1934)",
        statement=statement,
        predictor="head as given by `head`, projected on the simplex",
        assumptions=assumptions,
        inputs=inputs,
        texts=_TEXTS,
        axis=axis,
        splits=splits,
    )


_COST = r"\mathbb{E}\|g(x)-e_y\|^2-\mathbb{E}\|\bar g(u)-e_y\|^2"
_PAIRS = ("A1'", "A3", "A6", "A7")

AUGMENTATION_GAIN = _theorem(
    "augmentation_gain", "squared risk lost to lack of invariance", _COST, GAIN, _upper, _PAIRS
)
AUGMENTATION_GAIN_LOWER = _theorem(
    "augmentation_gain_lower",
    "squared risk lost to lack of invariance, from below",
    _COST,
    GAIN,
    _lower,
    _PAIRS,
)
AUGMENTATION_RISK = _theorem(
    "augmentation_risk",
    "squared risk on views: averaged predictor plus lack of invariance",
    r"\mathbb{E}\|g(x)-e_y\|^2",
    SQUARED_RISK,
    _risk,
    ("A1'", "A2", "A3", "A6", "A7"),
    splits=True,
)
AUGMENTATION_ERROR_FLOOR = _theorem(
    "augmentation_error_floor",
    "error on views, from below and without labels",
    r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    ERROR_FLOOR,
    _floor,
    ("label", "A3", "A6", "A7", "prior"),
)
