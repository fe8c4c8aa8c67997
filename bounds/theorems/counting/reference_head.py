"""`reference_head`: the head on all of S, through a reference head V that left some labels out, and unlabeled items.

err(W) ≤ CP⁺(mistakes of V on H, N, δ₁) + CP⁺(disagreements of W and V on U, m, δ₂).
"""

from __future__ import annotations

from functools import cache

from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import counted
from bounds.proofs.lemmas.geometry import two_decisions
from bounds.proofs.terms import Differ, E, Mean
from bounds.statistics.evidence import Evidence
from bounds.statistics.splits import fitting_head, held_out_count
from bounds.statistics.votes import head_votes
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import held_out_losses, pair_total_variation, require_fixed_encoder
from bounds.theorems.vocabulary import FITTED, HELD_OUT, W, concluded, deltas, unlabeled, wrong, y, z

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
            counted(Mean(HELD_OUT, wrong(FITTED)), _d1, "held_out"),
            counted(Mean(U, Differ(W, z, FITTED, z)), _d2, "disagreement"),
        )
    )
    return concluded(bound, E(wrong(W)))


def values(evidence: Evidence, delta: float) -> tuple[dict[str, float], dict[str, float]]:
    """Numbers of the two heads on held-out and unlabeled items, and the shares of δ."""
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
    found, split = values(evidence, delta)
    conclusion = proof(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs.proven(conclusion, found, split, evidence.head)


REFERENCE_HEAD = Theorem(
    name="reference_head",
    title="held-out error of a reference head, plus disagreement with it on unlabeled items",
    source="this package; Clopper and Pearson (1934)",
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    inputs=_inputs,
    texts=TEXTS,
    axis=ERROR,
    proof=proof,
)
