r"""`luthra_2025`: few-shot error from class-distance-normalised variances; an estimate.

(K − 1)·[(½ − 2/a − 2^{3/2}/(am))⁻² Ṽ + (a/4)((2/√m)(√V + V) + V/m)], at the best a > 4 + 2^{5/2}/m with a ≥ 5.
"""

from __future__ import annotations

import math

import numpy as np

from bounds.derivations import luthra_2025 as derivation
from bounds.errors import InvalidStatistics, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.summaries.class_distances import class_distances
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.few_shot.few_shot import STATEMENT, asked


def best_a(variance: float, directional: float, shots: float) -> float:
    """The a at which the formula is smallest.

    With a = 2g(1 + u), g = 2 + 2^{3/2}/m, the derivative vanishes where u³/(1 + u) = 16Ṽ/(g·((2/√m)(√V + V) + V/m)).
    """
    from scipy.optimize import brentq

    g = 2 + 2**1.5 / shots
    rest = 2 / math.sqrt(shots) * (math.sqrt(variance) + variance) + variance / shots
    wanted = math.log(16) + math.log(directional) - math.log(g) - math.log(rest)
    u = math.exp(brentq(lambda v: 3 * v - float(np.logaddexp(0, v)) - wanted, -600.0, 600.0, xtol=1e-15))
    return max(5.0, 2 * g * (1 + u))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    shots = asked(evidence).shots[0]
    try:
        variance, directional = memo(
            evidence, "class_distances", lambda: class_distances(evidence.classes, evidence.labeled_chunks())
        )
    except InvalidStatistics as reason:
        raise NotApplicable(f"undefined here: {reason}") from reason
    if not (variance > 0 and directional > 0):
        raise NotApplicable("undefined here: the classes have no variance between their means.")
    present = int((evidence.classes.counts > 0).sum())
    values = {
        "shots": float(shots),
        "variance_ratio": variance,
        "directional": directional,
        "a": best_a(variance, directional, float(shots)),
        "K": float(present),
    }
    note = f"{shots} shot{'s' if shots > 1 else ''}, {present}-way; variances and means of S stand for those of the classes"
    return Inputs(derivation.expression(), values, {}, None, (note,))


LUTHRA_2025 = Theorem(
    name="luthra_2025",
    title="few-shot error from directional variance (Luthra, Yang and Galanti 2025)",
    source=(
        "Luthra, Yang and Galanti, Self-Supervised Contrastive Learning is Approximately Supervised "
        "Contrastive Learning, arXiv:2506.04411, few-shot error bound as the authors now state it"
    ),
    statement=STATEMENT,
    predictor="nearest mean of m labels of each class, on average over them",
    assumptions=("A2",),
    inputs=_inputs,
    options=("few_shot",),
    texts={
        "along": ("spread of classes along the lines between their means", "neural collapse"),
        "shots_spread": ("spread of classes in all directions, which shots average", "more shots"),
    },
    axis=Axis("few-shot error", "error of the nearest mean of m labels a class, over the labels too", "none"),
    kind="estimate",
)
