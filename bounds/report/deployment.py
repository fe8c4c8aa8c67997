"""From a bound of a report to the predictor it is about: encoder, normalisation, class names and the report itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bounds.encoders.checkpoints import Encoder
from bounds.heads.encoder_reference import EncoderReference
from bounds.heads.predictor import Predictor
from bounds.representations.normalization import Normalization
from bounds.theorems.bound import Bound, Model

if TYPE_CHECKING:
    from bounds.report.report import Report


@dataclass
class Deployment:
    """What all bounds of one report share.

    Attributes:
        encoder: Images to representations; None where the data were representations.
        given: What the caller gave as checkpoint: a path, a network or a callable.
        normalization: Of the representations.
        class_names: Of the K classes.
        dim: Dimension d.
        report: Set once the report is made.
    """

    encoder: Encoder | None
    given: Any
    normalization: Normalization
    class_names: tuple[str, ...]
    dim: int
    report: Report | None = field(default=None, repr=False)

    def predictor(self, bound: Bound, model: Model) -> Predictor:
        """The head and decision of a bound, behind the encoder."""
        noise = model.decision.noise
        return Predictor(
            head=model.head.to("cpu"),
            decision=replace(model.decision, noise=None if noise is None else noise.cpu().contiguous()),
            normalization=self.normalization,
            class_names=self.class_names,
            dim=self.dim,
            certificate=bound.to_dict(),
            report={} if self.report is None else self.report.to_dict(),
            encoder=self.encoder,
            reference=None if self.encoder is None else EncoderReference.of(self.encoder, self.given),
        )
