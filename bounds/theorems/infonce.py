"""`infonce` and `infonce_sharp`: the softmax of the mean classifier, bounded by InfoNCE."""

from __future__ import annotations

from functools import partial

from bounds.derivations import infonce as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    block_shares,
    infonce_values,
    known_prior,
    measured,
    measured_note,
    negatives_option,
    softmax_axis,
)

SOURCE = (
    "after Bao, Nagano and Nozawa, On the Surrogate Gap between Contrastive and Supervised Losses, "
    "ICML 2022, arXiv:2110.02501, with Hoeffding's lemma for the gap; Hoeffding (1963) for the U-statistic"
)
PREDICTOR = "mean classifier arg max f(x)ᵀμ_c with the true class means, which nobody has; not W_S"


def _inputs(exact: bool, evidence: Evidence, delta: float) -> Inputs:
    prior = known_prior(evidence)
    split = block_shares(evidence, delta)
    values = infonce_values(evidence, negatives_option(evidence, NEGATIVES), split)
    values["p_min"] = float(prior[prior > 0].min())
    temperature = values["temperature"]
    notes = [measured_note(evidence, measured(evidence, temperature=temperature), "softmax")]
    if not exact and temperature < 0.5:
        notes.append(
            f"the gap r²/(8t²) is meant for temperatures near 1, not {temperature:g}; see infonce_sharp"
        )
    axis = softmax_axis(int((prior > 0).sum()), temperature)
    return Inputs(derivation.expression(exact=exact), values, split, None, tuple(notes), axis)


TEXTS = {
    "infonce_loss": ("mean InfoNCE loss over blocks of k + 1 items", "views closer than other items"),
    "task_size": ("from k + 1 terms in a batch to K classes", "fewer classes against negatives"),
    "surrogate_gap": ("largest gap in Jensen's inequality over the classes", "a higher temperature, f ≥ 0"),
    "representation_complexity": (
        "Rademacher complexity of the encoders over tuples",
        "a smaller class, or A3",
    ),
}

INFONCE, INFONCE_SHARP = (
    Theorem(
        name=name,
        title=title,
        source=SOURCE,
        statement=r"L_{softmax}^{\mu}(f)",
        predictor=PREDICTOR,
        assumptions=("A1", "A3", "A4", "A6"),
        inputs=partial(_inputs, exact),
        texts=TEXTS,
        axis=softmax_axis(2, 1.0),
    )
    for name, exact, title in (
        ("infonce", False, "InfoNCE bound on the mean classifier's softmax"),
        ("infonce_sharp", True, "InfoNCE bound with the exact surrogate gap and range"),
    )
)
