"""`arora_2019`: collisions subtracted and coverage divided out, for the K-way softmax loss."""

from __future__ import annotations

from bounds.derivations import arora_2019 as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import coverage_inputs, softmax_axis
from bounds.theorems.infonce import PREDICTOR, TEXTS


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return coverage_inputs(evidence, delta, derivation.expression())


ARORA_2019 = Theorem(
    name="arora_2019",
    title="k negatives, collisions and coverage (Arora et al. 2019)",
    source=(
        "Arora et al., ICML 2019, arXiv:1902.09229, k negatives, in the form of Nozawa and Sato (2021), "
        "eq. (8), arXiv:2102.06866; derived again here for class pairs and a uniform prior"
    ),
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    assumptions=("A1", "A3", "A4", "A6"),
    inputs=_inputs,
    texts=TEXTS,
    axis=softmax_axis(2, 1.0),
)
