"""`van_elst_2024`: a certificate of the InfoNCE loss itself, for batches and any way the pairs were made."""

from __future__ import annotations

import math

from bounds.derivations import van_elst_2024 as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import (
    NEGATIVES,
    block_shares,
    infonce_axis,
    infonce_values,
    negatives_option,
)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    k, split = negatives_option(evidence, NEGATIVES), block_shares(evidence, delta)
    values = infonce_values(evidence, k, split)
    # The loss is that of the one encoder: the posterior is the point it was chosen as, the prior uniform on the J.
    values["divergence"] = math.log(values["functions"])
    note = (
        "no predictor: the expected pretext loss, from which the Bao line of the paper's Theorem 3 leads on"
    )
    return Inputs(derivation.expression(), values, split, None, (note,), infonce_axis(k))


VAN_ELST_2024 = Theorem(
    name="van_elst_2024",
    title="risk certificate of the contrastive loss (van Elst and Ghoshdastidar 2024)",
    source=(
        "van Elst and Ghoshdastidar, Tight PAC-Bayesian Risk Certificates for Contrastive Learning, "
        "arXiv:2412.03486, Theorem 2 (McDiarmid-McAllester)"
    ),
    statement=r"L_{nce}(f)",
    predictor="no predictor: the encoder, by its InfoNCE loss",
    assumptions=("A3", "A4", "A6", "prior"),
    inputs=_inputs,
    options=("temperature", "negatives"),
    texts={
        "infonce_loss": ("mean InfoNCE loss over batches of k + 1 items", "views closer than other items"),
        "confidence": ("deviation of the batch losses", "more pairs, smaller batches, a higher temperature"),
    },
    axis=infonce_axis(NEGATIVES),
)
