"""`arora_2019`: collisions subtracted and coverage divided out, for the K-way softmax loss.

L_softmax(μ) ≤ (L̂_nce − Col + R·√(ln(J/δ)/(2⌊m/(k + 1)⌋)))/((1 − τ_k)v), uniform prior,
v = P(k uniform draws from the other K − 1 classes show each of them).
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.contrastive import covered
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive.infonce import GOAL, PREDICTOR, TEXTS
from bounds.theorems.contrastive_inputs import SOFTMAX_AXIS, coverage_inputs
from bounds.theorems.vocabulary import (
    NCE,
    concluded,
    contrastive,
    coverage_of_others,
    log_collisions,
    no_collision,
)


@cache
def proof(*, thinned: bool = False) -> Conclusion:
    """Without a collision the negatives cover the other classes with probability at least v."""
    batches = covered(NCE, no_collision, log_collisions, coverage_of_others).isolate(GOAL)
    return concluded(batches.chain(contrastive(NCE, thinned)), GOAL)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return coverage_inputs(evidence, delta, proof)


ARORA_2019 = Theorem(
    name="arora_2019",
    title="k negatives, collisions and coverage (Arora et al. 2019)",
    source=(
        "Arora et al., ICML 2019, arXiv:1902.09229, k negatives, in the form of Nozawa and Sato (2021), "
        "eq. (8), arXiv:2102.06866; derived again here for class pairs and a uniform prior, "
        "with the coverage of the other classes alone"
    ),
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts=TEXTS,
    axis=SOFTMAX_AXIS,
    proof=proof,
)
