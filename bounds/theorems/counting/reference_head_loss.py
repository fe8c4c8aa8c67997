"""`reference_head_loss`: the projected loss of the head on all of S, through a reference head.

E‖ΠWf − y‖ ≤ √2·kl⁻¹(mean_H‖ΠVf − y‖/√2; ln(1/δ₁)/N) + √2·kl⁻¹(mean_U‖ΠWf − ΠVf‖/√2; ln(1/δ₂)/m).
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import held_out_mean
from bounds.evidence.votes import moved_mean
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import kl_limit
from bounds.proofs.lemmas.geometry import triangle
from bounds.proofs.terms import Apply, E, Mean, Project
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import pair_total_variation
from bounds.theorems.counting.reference_head import TEXTS, reference_head
from bounds.theorems.vocabulary import (
    FITTED,
    HELD_OUT,
    W,
    concluded,
    deltas,
    moved,
    projected,
    unlabeled,
    y,
    z,
)

_d1, _d2, *_ = deltas


@cache
def proof(*, conditioned_pairs: bool = False) -> Conclusion:
    """Triangle inequality; both parts lie in [0, √2]."""
    U = unlabeled(conditioned_pairs)
    head, reference = Project(Apply(W, z)), Project(Apply(FITTED, z))
    bound = (
        triangle(head - y, reference - y, head - reference)
        .expect()
        .chain(
            kl_limit(Mean(HELD_OUT, projected(FITTED)), _d1, "held_out"),
            kl_limit(Mean(U, moved(W, FITTED)), _d2, "head_distance"),
        )
    )
    return concluded(bound, E(projected(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    reference, count = reference_head(evidence)
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
    conclusion = proof(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs.proven(conclusion, values, split, evidence.head, held_out.notes + moved.notes)


REFERENCE_HEAD_LOSS = Theorem(
    name="reference_head_loss",
    title="held-out loss of a reference head, plus distance to it on unlabeled items",
    source="this package; kl form of Hoeffding (1963), Thm 1",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S on all of S, projected on the simplex",
    inputs=_inputs,
    splits=True,
    texts=TEXTS,
    proof=proof,
)
