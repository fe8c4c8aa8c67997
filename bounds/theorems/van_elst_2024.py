"""`van_elst_2024`: a certificate of the InfoNCE loss itself, for batches and any way the pairs were made."""

from __future__ import annotations

from typing import Any

from bounds.derivations import van_elst_2024 as derivation
from bounds.errors import InvalidOption, NotApplicable
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
    divergence: Any = evidence.setting.options.get("kl", 0.0)
    if isinstance(divergence, bool) or not isinstance(divergence, int | float) or not divergence >= 0:
        raise InvalidOption(f"`kl` must be a divergence of at least 0 nats, got {divergence!r}.")
    if values["triples"] and not divergence:
        raise NotApplicable("needs the divergence of the encoder's posterior from its prior; pass `kl`.")
    values["divergence"] = float(divergence)
    values["delta_loss"] /= values["functions"]  # a union bound over encoders that may have been chosen
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
    assumptions=("A3", "A4", "A6"),
    inputs=_inputs,
    texts={
        "infonce_loss": ("mean InfoNCE loss over batches of k + 1 items", "views closer than other items"),
        "confidence": ("deviation of the batch losses", "more pairs, smaller batches, a higher temperature"),
    },
    axis=infonce_axis(NEGATIVES),
)
