"""`lei_2023`: uniform convergence over linear maps of the features, logarithmic in k; an estimate."""

from __future__ import annotations

from bounds.derivations import lei_2023 as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import NEGATIVES, infonce_axis, infonce_values, negatives_option


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    k, split = negatives_option(evidence, NEGATIVES), {"delta_loss": delta}
    values = infonce_values(evidence, k, split) | {"dimension": float(evidence.need_pairs().dim)}
    note = (
        "constants as printed, of which only the dependence on k is confirmed; class {x ↦ A f(x), ‖A‖₂ ≤ 1}"
    )
    return Inputs(derivation.expression(), values, split, None, (note,), infonce_axis(k))


LEI_2023 = Theorem(
    name="lei_2023",
    title="generalization gap with only ln k (Lei et al. 2023)",
    source=(
        "Lei, Yang, Ying and Zhou, Generalization Analysis for Contrastive Representation Learning, "
        "ICML 2023, arXiv:2302.12383; theorem number not confirmed"
    ),
    statement=r"L_{nce}(A f)",
    predictor="no predictor: linear maps of the encoder, by their InfoNCE loss, the identity among them",
    assumptions=("A4", "A6"),
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts={
        "infonce_loss": ("mean InfoNCE loss over tuples of k + 1 items", "views closer than other items"),
        "representation_complexity": ("Rademacher complexity of the losses of the class", "more pairs"),
    },
    axis=infonce_axis(NEGATIVES),
    kind="estimate",
)
