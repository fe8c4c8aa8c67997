"""`nozawa_2021`: collisions and coverage in halves, with the gap of augmentation pairs.

L_softmax(μ) ≤ (2L̂_nce − Col − 2d + 2R·√(ln(J/δ)/(2⌊m/(k + 1)⌋)))/v, uniform prior; d = 0 for class pairs.
"""

from __future__ import annotations

from functools import cache

import torch

from bounds.assumptions.assumption import Assumption
from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.contrastive import covered
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive.infonce import GOAL, PREDICTOR, TEXTS
from bounds.theorems.contrastive_inputs import SOFTMAX_AXIS, coverage_inputs
from bounds.theorems.vocabulary import (
    NCE,
    augmentation_gap,
    concluded,
    contrastive,
    coverage,
    log_collisions,
    no_collision,
    temperature,
)


@cache
def proof(*, thinned: bool = False) -> Conclusion:
    """ln(1 + a + b) ≥ ½ln(1 + a) + ½ln(1 + b); what views of one item are closer than their class only adds."""
    batches = covered(NCE, no_collision, log_collisions, coverage, halves=True).isolate(GOAL)
    bound = batches.chain(contrastive(NCE, thinned))
    return concluded(bound.weaken(bound.rhs + 2 * augmentation_gap / (temperature * coverage)), GOAL)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    gap, notes = _augmentation_gap(evidence)
    return coverage_inputs(evidence, delta, proof, {"augmentation_gap": gap}, notes)


def _augmentation_gap(evidence: Evidence) -> tuple[float, tuple[str, ...]]:
    """−d = mean of max(0, zᵀ(z̄ − μ_y)), z the first view, z̄ the mean of both; zero for class pairs."""
    declared = evidence.setting.assumptions.get("A1", Assumption("A1", "unverifiable", ""))
    if declared.holds:
        return 0.0, ()
    if evidence.need_pairs().labels is None:
        return 0.0, ("the gap −2d of augmentation pairs needs the labels of the pairs and is missing",)
    sums = torch.zeros(evidence.setting.num_classes, evidence.pairs.dim, dtype=torch.float64)  # type: ignore[union-attr]
    counts = torch.zeros(len(sums), dtype=torch.float64)
    for first, second, y in evidence.labeled_pair_chunks():
        sums.index_add_(0, y.cpu(), (first + second).cpu() / 2)
        counts += torch.bincount(y.cpu(), minlength=len(counts))
    means = sums / counts[:, None]
    total = 0.0
    for first, second, y in evidence.labeled_pair_chunks():
        toward = (first + second).cpu() / 2 - means[y.cpu()]
        total += float((first.cpu() * toward).sum(1).clamp_min(0).sum())
    return total / evidence.m, ("the gap −2d uses the class means of the pairs: a plug-in value",)


NOZAWA_2021 = Theorem(
    name="nozawa_2021",
    title="k negatives, collisions and coverage in halves (Nozawa and Sato 2021)",
    source=(
        "Nozawa and Sato, Understanding Negative Samples in Instance Discriminative Self-supervised "
        "Representation Learning, NeurIPS 2021, arXiv:2102.06866, eq. (10), the seen subsets dropped"
    ),
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts=TEXTS | {"augmentation_gap": ("views of one item are closer than its class", "class pairs")},
    axis=SOFTMAX_AXIS,
    proof=proof,
)
