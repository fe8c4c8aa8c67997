"""`reference_head`: the head on all of S, through a reference head that left some labels out, and unlabeled items."""

from __future__ import annotations

from bounds.derivations import reference_head as derivation
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_counts, held_out_mean
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import moved_counts, moved_mean
from bounds.heads.fitted import FittedHead
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import pair_total_variation, require_fixed_encoder
from bounds.theorems.test_set import counted

_TEXTS = {
    "held_out_error": ("error of the reference head on the held-out part of S", "a better head"),
    "held_out_residual": ("projected residual of the reference head, held out", "a better head"),
    "disagreement": (
        "how often head and reference head decide differently on unlabeled items",
        "a stable head",
    ),
    "head_distance": ("distance of the two projected heads on unlabeled items", "a stable head"),
}


def _reference(evidence: Evidence) -> tuple[FittedHead, int]:
    """W*, fitted without the held-out part of S, and the size of that part."""
    require_fixed_encoder(evidence)
    count = held_out_count(evidence, purpose="comparing")
    return fitting_head(evidence, count), count


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    reference, count = _reference(evidence)
    held_out = counted(held_out_counts(evidence, reference, count))
    moved = counted(moved_counts(evidence, evidence.head, reference))
    split = shares(delta, "delta_1", "delta_2")
    values = {
        "N": held_out.trials,
        "m": moved.trials,
        "mistakes": held_out.mistakes,
        "differing": moved.mistakes,
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    expression = derivation.error(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, split, evidence.head, held_out.notes + moved.notes)


def _loss_inputs(evidence: Evidence, delta: float) -> Inputs:
    reference, count = _reference(evidence)
    held_out = held_out_mean(evidence, reference, count)
    moved = moved_mean(evidence, evidence.head, reference)
    split = shares(delta, "delta_1", "delta_2")
    values = {
        "N": held_out.trials,
        "m": moved.trials,
        "projected_ref": held_out.mean,
        "head_gap": moved.mean,
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    expression = derivation.loss(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, split, evidence.head, held_out.notes + moved.notes)


REFERENCE_HEAD = Theorem(
    name="reference_head",
    title="held-out error of a reference head, plus disagreement with it on unlabeled items",
    source="this package; Clopper and Pearson (1934)",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    assumptions=("A2", "A3", "A6", "A7", "U"),
    inputs=_inputs,
    splits=True,
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
    splits=True,
    texts=_TEXTS,
)
