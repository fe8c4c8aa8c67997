"""`bao_2022` and `bao_2022_deviation`: the surrogate gap, for class and for augmentation pairs."""

from __future__ import annotations

from functools import partial

from bounds.derivations import bao_2022 as derivation
from bounds.statistics.evidence import Evidence
from bounds.statistics.memo import memo
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive.infonce import PREDICTOR, TEXTS
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    block_shares,
    infonce_values,
    measured,
    measured_note,
    negatives_option,
    softmax_axis,
    uniform_prior,
)

SOURCE = "Bao, Nagano and Nozawa, ICML 2022, arXiv:2110.02501, upper bound of the surrogate gap"


def _inputs(deviation: bool, evidence: Evidence, delta: float) -> Inputs:
    prior = uniform_prior(evidence)
    split = block_shares(evidence, delta)
    values = infonce_values(evidence, negatives_option(evidence, NEGATIVES), split)
    temperature = values["temperature"]
    notes = [measured_note(evidence, measured(evidence, temperature=temperature), "softmax")]
    if deviation:
        values["feature_deviation"] = memo(evidence, "feature_deviation", lambda: _deviation(evidence))
        notes.append("σ uses the class means of S, on S: a plug-in value")
    axis = softmax_axis(len(prior), temperature)
    return Inputs(derivation.expression(deviation=deviation), values, split, None, tuple(notes), axis)


def _deviation(evidence: Evidence) -> float:
    """Mean of ‖f(x) − μ_y‖ over S."""
    means = evidence.classes.means
    return sum(float((z - means[y]).norm(dim=1).sum()) for z, y in evidence.labeled_chunks()) / evidence.n


BAO_2022 = Theorem(
    name="bao_2022",
    title="surrogate gap of InfoNCE (Bao, Nagano and Nozawa 2022)",
    source=SOURCE,
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    assumptions=("A1", "A3", "A4", "A6"),
    inputs=partial(_inputs, False),
    texts=TEXTS,
    axis=softmax_axis(2, 1.0),
)

BAO_2022_DEVIATION = Theorem(
    name="bao_2022_deviation",
    title="surrogate gap with feature deviation, for augmentation pairs",
    source=SOURCE + "; feature deviation of van Elst and Ghoshdastidar (2024), arXiv:2412.03486, Theorem 3",
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    assumptions=("A1'", "A3", "A4", "A6"),
    inputs=partial(_inputs, True),
    texts=TEXTS | {"feature_deviation": ("distance of features from their class mean", "tighter classes")},
    axis=softmax_axis(2, 1.0),
    kind="estimate",
)
