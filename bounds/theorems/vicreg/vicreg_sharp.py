"""`vicreg_sharp`: Theorem 2 with simplex projection, kl limits, known prior and fresh second views."""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.heads.linear import require_linear
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import class_frequencies, kl_limit, second_views
from bounds.proofs.lemmas.geometry import operator, triangle
from bounds.proofs.lemmas.geometry import projected as simplex
from bounds.proofs.lemmas.reading import class_shift
from bounds.proofs.terms import Apply, E, Fresh, Mean, Project
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import head_distance, loss_range, require_fixed_encoder, sizes
from bounds.theorems.vicreg.theorem_2 import SOURCE
from bounds.theorems.vocabulary import (
    K,
    S,
    V,
    W,
    apart,
    concluded,
    deltas,
    known_pairs,
    projected,
    residual,
    y,
    z,
    z2,
)

_d1, _d2, _d3, _d4, _d5, _d6 = deltas


@cache
def proof(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    """Steps 1 to 4 after projection; the reference head is new to the second views of its pairs, given their classes."""
    P = known_pairs(conditioned_pairs)
    second, same = second_views(P)
    apart_from_label = (
        Project(Apply(W, z2)) - y,
        Project(Apply(W, z)) - y,
        Project(Apply(W, z2)) - Project(Apply(W, z)),
    )
    heads = Apply(W, z2) - Apply(W, z), Apply(W - V, z2 - z), y - Apply(V, z), Apply(V, z2) - y
    moved = triangle(*apart_from_label).chain(simplex(Apply(W, z2), Apply(W, z)), triangle(*heads))
    sample = moved.chain(operator(W - V, z2 - z)).average(S)
    bound = class_shift(projected(W), S).chain(
        sample,
        kl_limit(Mean(S, Fresh(apart)), _d1, "invariance_labeled", upper=False),
        kl_limit(Mean(P, apart), _d2, "invariance_pairs"),
        kl_limit(Mean(S, Fresh(residual(V, z2))), _d3, "head_labeled", upper=False),
        kl_limit(Mean(second, residual(V)), _d4, "head_pairs"),
        same,
    )
    if not prior_known:
        bound = bound.chain(class_frequencies(S, _d5, K, smaller=True))
        if not conditioned_pairs:
            bound = bound.chain(class_frequencies(P, _d6, K, smaller=True))
    return concluded(bound, E(projected(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    setting, head = evidence.setting, require_linear(evidence.head)
    reference = evidence.reference
    known = setting.prior is not None
    frequencies = () if known else ("delta_5",) if setting.conditioned_pairs else ("delta_5", "delta_6")
    split = shares(delta, "delta_1", "delta_2", "delta_3", "delta_4", *frequencies)
    values = {
        **sizes(evidence),
        "c": head_distance(head, reference),
        "kappa_ref": loss_range(reference, setting.radius),
        "projected_S": evidence.labeled_losses(head).projected_residual,
        "phi_S": evidence.labeled_losses(reference).mean_residual,
        "phi_second": evidence.second_view_losses(reference).mean_residual,
        **split,
    }
    proven = proof(prior_known=known, conditioned_pairs=setting.conditioned_pairs)
    return Inputs.proven(proven, values, split, head)


SHARP = Theorem(
    name="vicreg_sharp",
    title="VICReg bound with every valid tightening",
    source="this package, from the proof of " + SOURCE,
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    proof=proof,
    inputs=_inputs,
    texts={
        "unlabeled_residual": (
            "residual of the reference head on fresh second views",
            "linear separability on S̄",
        ),
        "labeled_residual": ("projected training residual of the head on S", "linear separability on S"),
    },
)
