"""`luthra_2025`: few-shot two-way error from class-distance-normalised variances; an estimate."""

from __future__ import annotations

from bounds.derivations import luthra_2025 as derivation
from bounds.errors import InvalidStatistics, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.summaries.class_distances import class_distances
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    counts = evidence.classes.counts
    try:
        variance, directional = memo(
            evidence, "class_distances", lambda: class_distances(evidence.classes, evidence.labeled_chunks())
        )
    except InvalidStatistics as reason:
        raise NotApplicable(f"undefined here: {reason}") from reason
    if not (variance > 0 and directional > 0):
        raise NotApplicable("undefined here: the classes have no variance between their means.")
    values = {
        "shots": float(counts[counts > 0].min()),
        "variance_ratio": variance,
        "directional": directional,
    }
    note = "variances and means of S stand for those of the classes; the factor to K classes is not confirmed"
    return Inputs(derivation.expression(), values, {}, None, (note,))


LUTHRA_2025 = Theorem(
    name="luthra_2025",
    title="few-shot error from directional variance (Luthra, Yang and Galanti 2025)",
    source=(
        "Luthra, Yang and Galanti, Self-Supervised Contrastive Learning is Approximately Supervised "
        "Contrastive Learning, arXiv:2506.04411, few-shot error bound as in the authors' code"
    ),
    statement=r"\mathrm{avg}_{c \ne c'}\ \mathrm{err}_{c,c'}",
    predictor="few-shot classifier of two classes, averaged over pairs of classes",
    assumptions=("A2",),
    inputs=_inputs,
    texts={
        "few_shot": ("spread of classes along and across the lines between their means", "neural collapse")
    },
    axis=Axis(
        "two-way error", "error of two-way few-shot classification, average pair", "none", 1.0, 0.5, 1.0
    ),
    kind="estimate",
)
