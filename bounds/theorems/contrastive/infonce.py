"""`infonce` and `infonce_sharp`: the softmax of the mean classifier, bounded by InfoNCE.

L_softmax(μ) ≤ U − ln(p_min(k + 1)) + gap − max(0, ln(k + 1) − U)/k,  U = L̂_nce + R·√(ln(J/δ)/(2⌊m/(k + 1)⌋)),
R = ln((1 + ke^{r/t})/(1 + ke^{−r/t})), gap = r²/(8t²), or its exact value in `infonce_sharp`.
"""

from __future__ import annotations

from functools import cache, partial

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.contrastive import SOFTMAX, MeanClassifier, softmax_of_means
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    SOFTMAX_AXIS,
    block_shares,
    infonce_values,
    known_prior,
    measured,
    measured_note,
    negatives_option,
    softmax_axis,
    variant,
)
from bounds.theorems.vocabulary import NCE, concluded, contrastive, f, smallest, temperature

SOURCE = (
    "after Bao, Nagano and Nozawa, On the Surrogate Gap between Contrastive and Supervised Losses, "
    "ICML 2022, arXiv:2110.02501, with Hoeffding's lemma for the gap; Hoeffding (1963) for the U-statistic"
)
PREDICTOR = "mean classifier arg max f(x)ᵀμ_c with the true class means, which nobody has; not W_S"
GOAL = MeanClassifier(SOFTMAX, f, temperature)


@cache
def proof(*, exact: bool, thinned: bool) -> Conclusion:
    """Jensen on k + 1 terms and the gap over the classes; then a U-statistic."""
    bound = softmax_of_means(NCE, smallest, exact).chain(contrastive(NCE, thinned))
    return concluded(bound, GOAL)


def sharp(*, thinned: bool = False) -> Conclusion:
    """The same with the exact gap."""
    return proof(exact=True, thinned=thinned)


def standard(*, thinned: bool = False) -> Conclusion:
    """The same with Hoeffding's lemma for the gap."""
    return proof(exact=False, thinned=thinned)


def _inputs(exact: bool, evidence: Evidence, delta: float) -> Inputs:
    prior = known_prior(evidence)
    split = block_shares(evidence, delta)
    values = infonce_values(evidence, negatives_option(evidence, NEGATIVES), split)
    values["p_min"] = float(prior[prior > 0].min())
    t = values["temperature"]
    notes = [measured_note(evidence, measured(evidence, temperature=t), "softmax")]
    if not exact and t < 0.5:
        notes.append(f"the gap r²/(8t²) is meant for temperatures near 1, not {t:g}; see infonce_sharp")
    axis = softmax_axis(int((prior > 0).sum()), t)
    conclusion = proof(exact=exact, **variant(split))
    return Inputs.proven(conclusion, values, split, None, tuple(notes), axis=axis)


TEXTS = {
    "infonce_loss": ("mean InfoNCE loss over blocks of k + 1 items", "views closer than other items"),
    "task_size": ("from k + 1 terms in a batch to K classes", "fewer classes against negatives"),
    "below_chance": ("how far the loss lies below that of chance, over k", "views closer than other items"),
    "surrogate_gap": ("largest gap in Jensen's inequality over the classes", "a higher temperature, f ≥ 0"),
}

INFONCE, INFONCE_SHARP = (
    Theorem(
        name=name,
        title=title,
        source=SOURCE,
        statement=r"L_{softmax}^{\mu}(f)",
        predictor=PREDICTOR,
        inputs=partial(_inputs, exact),
        options=("temperature", "negatives"),
        texts=TEXTS,
        axis=SOFTMAX_AXIS,
        proof=sharp if exact else standard,
    )
    for name, exact, title in (
        ("infonce", False, "InfoNCE bound on the mean classifier's softmax"),
        ("infonce_sharp", True, "InfoNCE bound with the exact surrogate gap and range"),
    )
)
