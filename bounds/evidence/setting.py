"""What a theorem may use that is not measured: sizes, radii, prior, head, and the status of each assumption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from bounds.assumptions.assumption import Assumption
from bounds.assumptions.encoder_choice import EncoderChoice


@dataclass(frozen=True)
class Setting:
    """Everything a theorem may use that is not measured.

    Attributes:
        num_classes: K, classes absent from S included.
        radius: B.
        tau: sup ‖f(x) − f(x′)‖.
        assumptions: Name to status, for every assumption of the theory.
        prior: p (K,) when known, else None.
        head: "min_norm" or ("ridge", λ).
        residual: Which r̂_S the theorems of §2 and §3 use.
        constants: Which logarithms `vicreg` uses.
        conditioned_pairs: Class pairs came from a finite pool, so that their class counts are fixed.
        function_class: Among how many encoders this one was chosen on S̄, or None for one fixed encoder.
        holdout: Share of S kept aside where a bound needs a part of S.
        seed: Of every random choice.
    """

    num_classes: int
    radius: float
    tau: float
    assumptions: Mapping[str, Assumption]
    prior: Tensor | None = None
    head: str | tuple[str, float] = "min_norm"
    residual: Literal["mean", "frobenius"] = "mean"
    constants: Literal["printed", "counted"] = "printed"
    conditioned_pairs: bool = False
    function_class: EncoderChoice | None = None
    holdout: float = 0.1
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
