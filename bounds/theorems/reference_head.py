"""`reference_head`: the head on all of S, through a reference head that left some labels out, and unlabeled items."""

from __future__ import annotations

from bounds.derivations import reference_head as derivation
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.splits import fitting_head, held_out_chunks, held_out_count
from bounds.evidence.votes import head_votes
from bounds.heads.fitted import FittedHead
from bounds.heads.losses import HeadLosses
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import pair_total_variation, require_fixed_encoder

_TEXTS = {
    "held_out_error": ("error of the reference head on the held-out part of S", "a better head"),
    "held_out_residual": ("projected residual of the reference head, held out", "a better head"),
    "disagreement": (
        "how often head and reference head decide differently on unlabeled items",
        "a stable head",
    ),
    "head_distance": ("distance of the two projected heads on unlabeled items", "a stable head"),
}


def held_out_losses(evidence: Evidence, head: FittedHead, count: int) -> HeadLosses:
    """Losses of a head on the held-out rows of S."""
    key = ("held-out losses", head.name, count)
    return memo(evidence, key, lambda: HeadLosses.of(head, held_out_chunks(evidence, count)))


def _values(evidence: Evidence, delta: float) -> tuple[dict[str, float], dict[str, float]]:
    require_fixed_encoder(evidence)
    count = held_out_count(evidence)
    moved = head_votes(evidence, evidence.head, fitting_head(evidence, count))
    held_out = held_out_losses(evidence, fitting_head(evidence, count), count)
    split = shares(delta, "delta_1", "delta_2")
    return {
        "N": count,
        "m": evidence.m,
        "mistakes": held_out.mistakes,
        "projected_ref": held_out.projected_residual,
        "differing": round(float(moved.mean[0]) * evidence.m),
        "head_gap": float(moved.mean[1]),
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }, split


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    values, split = _values(evidence, delta)
    expression = derivation.error(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, split, evidence.head)


def _loss_inputs(evidence: Evidence, delta: float) -> Inputs:
    values, split = _values(evidence, delta)
    expression = derivation.loss(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, split, evidence.head)


REFERENCE_HEAD = Theorem(
    name="reference_head",
    title="held-out error of a reference head, plus disagreement with it on unlabeled items",
    source="this package; Clopper and Pearson (1934)",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    assumptions=("A2", "A3", "A6", "A7", "U", "prior"),
    inputs=_inputs,
    texts=_TEXTS,
    axis=ERROR,
)

REFERENCE_HEAD_LOSS = Theorem(
    name="reference_head_loss",
    title="held-out loss of a reference head, plus distance to it on unlabeled items",
    source="this package; kl form of Hoeffding (1963), Thm 1",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S on all of S, projected on the simplex",
    assumptions=REFERENCE_HEAD.assumptions,
    inputs=_loss_inputs,
    texts=_TEXTS,
)
