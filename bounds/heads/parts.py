"""What a predictor consists of, all of it data but for the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bounds.encoders.checkpoints import Encoder
from bounds.heads.decision import Decision
from bounds.heads.encoder_reference import EncoderReference
from bounds.heads.fitted import FittedHead
from bounds.representations.normalization import Normalization


@dataclass(frozen=True, eq=False)
class PredictorParts:
    """Encoder, normalisation, head and decision of one certificate.

    Attributes:
        head: Representations to scores.
        decision: Scores to an answer.
        normalization: What is done to representations first.
        class_names: Of the K classes.
        dim: Dimension d of the representations.
        certificate: The bound as plain data, as in `report.json`.
        report: The whole report as plain data.
        encoder: Images to representations; None where the report was made from representations.
        reference: How a saved predictor finds the encoder again.
    """

    head: FittedHead
    decision: Decision
    normalization: Normalization
    class_names: tuple[str, ...]
    dim: int
    certificate: Mapping[str, Any]
    report: Mapping[str, Any]
    encoder: Encoder | None = None
    reference: EncoderReference | None = None
