"""`ash_2022`: a coverage factor that is finite for any number of negatives; an estimate."""

from __future__ import annotations

from bounds.derivations import ash_2022 as derivation
from bounds.evidence.evidence import Evidence
from bounds.summaries.collisions import harmonic
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive.infonce import PREDICTOR, TEXTS
from bounds.theorems.contrastive_inputs import SOFTMAX_AXIS, coverage_inputs


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    extra = {"harmonic": harmonic(evidence.setting.num_classes - 1)}
    note = "the factor is the one public code evaluates; the theorem's conditions are not confirmed"
    return coverage_inputs(evidence, delta, derivation.expression(), extra, (note,))


ASH_2022 = Theorem(
    name="ash_2022",
    title="any number of negatives (Ash et al. 2022)",
    source=(
        "Ash, Goel, Krishnamurthy and Misra, Investigating the Role of Negatives in Contrastive "
        "Representation Learning, AISTATS 2022, arXiv:2106.09943; theorem number not confirmed"
    ),
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    assumptions=("A1", "A3", "A4", "A6", "prior"),
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts=TEXTS,
    axis=SOFTMAX_AXIS,
    kind="estimate",
)
