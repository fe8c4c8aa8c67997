"""`reference_head`: the head on all of S, through a reference head V that left some labels out, and unlabeled items.

err(W) ≤ CP⁺(mistakes of V on H, N, δ₁) + CP⁺(disagreements of W and V on U, m, δ₂).
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_counts
from bounds.evidence.splits import fitting_head, held_out_count
from bounds.evidence.votes import moved_counts
from bounds.heads.fitted import FittedHead
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import counted
from bounds.proofs.lemmas.geometry import two_decisions
from bounds.proofs.terms import Differ, E, Mean
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import pair_total_variation, require_fixed_encoder
from bounds.theorems.counting.counts import something_counted
from bounds.theorems.vocabulary import (
    CLEAN_HELD_OUT,
    FITTED,
    HELD_OUT,
    W,
    concluded,
    counted_despite_copies,
    deltas,
    unlabeled,
    wrong,
    y,
    z,
)

TEXTS = {
    "held_out_error": ("error of the reference head on the held-out part of S", "a better head"),
    "held_out_residual": ("projected residual of the reference head, held out", "a better head"),
    "disagreement": (
        "how often head and reference head decide differently on unlabeled items",
        "a stable head",
    ),
    "head_distance": ("distance of the two projected heads on unlabeled items", "a stable head"),
}
_d1, _d2, *_ = deltas


@cache
def proof(*, conditioned_pairs: bool = False) -> Conclusion:
    """Where W errs, V errs or the two decide differently; both are counted."""
    U = unlabeled(conditioned_pairs)
    bound = (
        two_decisions(W, FITTED, z, y)
        .expect()
        .chain(
            counted_despite_copies(HELD_OUT, CLEAN_HELD_OUT, wrong(FITTED), _d1, "held_out"),
            counted(Mean(U, Differ(W, z, FITTED, z)), _d2, "disagreement"),
        )
    )
    return concluded(bound, E(wrong(W)))


def reference_head(evidence: Evidence) -> tuple[FittedHead, int]:
    """V, fitted without the held-out part of S, and the size of that part."""
    require_fixed_encoder(evidence)
    count = held_out_count(evidence, purpose="comparing")
    return fitting_head(evidence, count), count


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    reference, count = reference_head(evidence)
    held_out = something_counted(held_out_counts(evidence, reference, count))
    moved = something_counted(moved_counts(evidence, evidence.head, reference))
    split = shares(delta, "delta_1", "delta_2")
    values = {
        "N": held_out.trials,
        "m": moved.trials,
        "mistakes": held_out.mistakes,
        "differing": moved.mistakes,
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    conclusion = proof(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs.proven(conclusion, values, split, evidence.head, held_out.notes + moved.notes)


REFERENCE_HEAD = Theorem(
    name="reference_head",
    title="held-out error of a reference head, plus disagreement with it on unlabeled items",
    source="this package; Clopper and Pearson (1934)",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    inputs=_inputs,
    splits=True,
    texts=TEXTS,
    axis=ERROR,
    proof=proof,
)
