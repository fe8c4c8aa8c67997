"""`bao_2022` and `bao_2022_deviation`: the surrogate gap, for class and for augmentation pairs.

L_softmax(μ) ≤ L̂_nce + ln(K/k) + 2 ln cosh(r/(2t)) + R·√(ln(J/δ)/(2⌊m/(k + 1)⌋)), uniform prior.
"""

from __future__ import annotations

from functools import cache, partial

from bounds.derivations import bao_2022 as derivation
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.contrastive import softmax_without_positive
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive.infonce import GOAL, PREDICTOR, TEXTS
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    SOFTMAX_AXIS,
    block_shares,
    infonce_values,
    measured,
    measured_note,
    negatives_option,
    softmax_axis,
    uniform_prior,
    variant,
)
from bounds.theorems.vocabulary import NCE, K, concluded, contrastive

SOURCE = "Bao, Nagano and Nozawa, ICML 2022, arXiv:2110.02501, upper bound of the surrogate gap"


@cache
def proof(*, thinned: bool = False) -> Conclusion:
    """The positive left out of the sum; Jensen over k negatives, reverse Jensen over the classes."""
    return concluded(softmax_without_positive(NCE, K).chain(contrastive(NCE, thinned)), GOAL)


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
    if deviation:
        return Inputs(derivation.expression(deviation=True), values, split, None, tuple(notes), axis=axis)
    return Inputs.proven(proof(**variant(split)), values, split, None, tuple(notes), axis=axis)


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
    inputs=partial(_inputs, False),
    options=("temperature", "negatives"),
    texts=TEXTS,
    axis=SOFTMAX_AXIS,
    proof=proof,
)

BAO_2022_DEVIATION = Theorem(
    name="bao_2022_deviation",
    title="surrogate gap with feature deviation, for augmentation pairs",
    source=SOURCE + "; feature deviation of van Elst and Ghoshdastidar (2024), arXiv:2412.03486, Theorem 3",
    statement=r"L_{softmax}^{\mu}(f)",
    predictor=PREDICTOR,
    assumptions=("A1'", "A3", "A4", "A6", "prior"),
    inputs=partial(_inputs, True),
    options=("temperature", "negatives"),
    texts=TEXTS | {"feature_deviation": ("distance of features from their class mean", "tighter classes")},
    axis=SOFTMAX_AXIS,
    kind="estimate",
)
