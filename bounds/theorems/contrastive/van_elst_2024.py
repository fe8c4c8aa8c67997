"""`van_elst_2024`: a certificate of the InfoNCE loss itself, for batches and any way the pairs were made.

L_nce ≤ L̂_nce + C·√(ln(J/δ)/(2n)),  n = (k + 1)⌊m/(k + 1)⌋ items in batches,
C = ln((1 + ke^{r/t})/(1 + ke^{−r/t})) + k·ln((k + e^{r/t})/(k + 1)), n times as far as one item moves the mean.
"""

from __future__ import annotations

from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.terms import E
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    block_shares,
    infonce_axis,
    infonce_values,
    negatives_option,
    variant,
)
from bounds.theorems.vocabulary import NCE, concluded, contrastive_in_batches


@cache
def proof(*, thinned: bool = False) -> Conclusion:
    """For one encoder, or one of J, McDiarmid's ln(J/δ) is all that McAllester's change of measure would pay."""
    return concluded(contrastive_in_batches(NCE, thinned), E(NCE))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    k, split = negatives_option(evidence, NEGATIVES), block_shares(evidence, delta)
    values = infonce_values(evidence, k, split)
    note = (
        "no predictor: the expected pretext loss, from which the Bao line of the paper's Theorem 3 leads on"
    )
    return Inputs.proven(proof(**variant(split)), values, split, None, (note,), axis=infonce_axis(k))


VAN_ELST_2024 = Theorem(
    name="van_elst_2024",
    title="risk certificate of the contrastive loss (van Elst and Ghoshdastidar 2024)",
    source=(
        "van Elst and Ghoshdastidar, Tight PAC-Bayesian Risk Certificates for Contrastive Learning, "
        "arXiv:2412.03486, bounded differences of Theorem 2; McDiarmid (1989) in place of the change of measure"
    ),
    statement=r"L_{nce}(f)",
    predictor="no predictor: the encoder, by its InfoNCE loss",
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts={
        "infonce_loss": ("mean InfoNCE loss over batches of k + 1 items", "views closer than other items"),
        "confidence": ("deviation of the batch losses", "more pairs, smaller batches, a higher temperature"),
    },
    axis=infonce_axis(NEGATIVES),
    proof=proof,
)
