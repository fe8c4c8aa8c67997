"""What was declared about the data before looking: sizes, radii, prior, head, and the status of each assumption."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

Status = Literal["holds", "violated", "unverifiable"]

TITLES = {
    "A1": "class pairs: both views independent given the class",
    "A1'": "augmentation pairs: views independent given the image, label kept",
    "label": "both views of a pair carry the same label",
    "U": "unlabeled items drawn like the labeled ones, not augmented",
    "A2": "fresh labels: the encoder does not depend on S",
    "A3": "the encoder was fixed before S̄",
    "A4": "bounded: ‖f‖ ≤ B, B fixed before the data",
    "A5": "labels are a function of the class, known on S",
    "A6": "i.i.d. items",
    "A7": "S and S̄ independent",
    "K": "every class of the population is among the K",
    "prior": "the declared class prior is that of the population",
    "H": "held-out items independent of everything fitted",
}


@dataclass(frozen=True)
class Assumption:
    """One proof obligation: its name, whether it holds on this data, and why we say so."""

    name: str
    status: Status
    reason: str

    @property
    def title(self) -> str:
        """What the assumption says."""
        return TITLES.get(self.name, self.name)

    @property
    def holds(self) -> bool:
        """Whether a certificate may rest on it."""
        return self.status == "holds"


@dataclass(frozen=True)
class EncoderChoice:
    """The encoder was chosen on S̄ among J encoders fixed before S̄, in place of A3 for the one encoder.

    Attributes:
        members: J.
    """

    members: int

    def upper_on(self, tau: float) -> float:
        """R̃_m(F) ≤ (τ/2)·√(2 ln J) whatever the data: Massart's lemma around the midpoint of [0, τ] (theory: K7)."""
        return 0.5 * tau * math.sqrt(2 * math.log(self.members))


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
