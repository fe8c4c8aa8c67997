"""What a bound bounds, in which unit, and how it converts to an error rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Conversion = Literal["identity", "norm", "squared", "linear", "none"]


@dataclass(frozen=True)
class Axis:
    """One axis of comparison.

    Attributes:
        name: "loss", "error" or the name of a surrogate.
        unit: In words.
        conversion: How a value becomes an error rate. An arg-max error forces ‖W f − y‖ ≥ 1/√2, so the error rate
            is at most √2·E‖W f − y‖ ("norm") and at most 2·E‖W f − y‖² ("squared", for values that are the root
            of a squared-loss bound); "linear" is factor·value, for surrogate losses that charge 1/factor per error.
        factor: Of the linear conversion.
        most: What the bounded quantity never exceeds, or None: rounding up alone does not carry a bound past it.
        trivial: On a surrogate axis, the loss of the best constant predictor; the other axes read it off the labels.
    """

    name: str
    unit: str
    conversion: Conversion
    factor: float = 1.0
    trivial: float | None = None
    most: float | None = None

    def error_rate(self, value: float) -> float | None:
        """Error rate implied by a bound of this value, or None where no conversion exists."""
        if self.conversion == "identity":
            return value
        if self.conversion == "norm":
            return math.sqrt(2.0) * value
        if self.conversion == "squared":
            return 2.0 * value * value
        if self.conversion == "linear":
            return self.factor * value
        return None


LOSS = Axis("loss", "E‖W f − y‖, norm loss", "norm")
ROOT_LOSS = Axis("loss", "√E‖W f − y‖² ≥ E‖W f − y‖, norm loss", "squared")
ERROR = Axis("error", "error rate", "identity", most=1.0)
