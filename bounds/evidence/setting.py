"""What a theorem may use that is not measured: sizes, radii, prior, head, and the status of each assumption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bounds.assumptions.assumption import Assumption
from bounds.assumptions.declaration import Declared
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
        head: What `bounds.heads.head_kind` takes.
        residual: Which r̂_S the theorems of §2 and §3 use.
        constants: Which logarithms `vicreg` uses.
        conditioned_pairs: Class pairs came from a finite pool, so that their class counts are fixed.
        function_class: Among how many encoders this one was chosen on S̄, or None for one fixed encoder.
        holdout: Share of S kept aside where a bound needs a part of S; None for each theorem's own.
        seed: Of every random choice.
        declared: What the caller vouches for about copies and the test items.
        trained_on: Fingerprints of the items the encoder was trained on, where its checkpoint records them, (M,).
        options: Settings of single theorems, by name.
        class_names: Names of the classes, where the data have names.

    Example:
        >>> import numpy as np
        >>> from bounds.worlds import WORLDS
        >>> setting = WORLDS["gaussian"]().sample(np.random.default_rng(0)).evidence.setting
        >>> setting.num_classes, setting.radius, setting.assumptions["A2"].status
        (3, 1.0, 'holds')
    """

    num_classes: int
    radius: float
    tau: float
    assumptions: Mapping[str, Assumption]
    prior: Tensor | None = None
    head: Any = "min_norm"
    residual: Literal["mean", "frobenius"] = "mean"
    constants: Literal["printed", "counted"] = "printed"
    conditioned_pairs: bool = False
    function_class: EncoderChoice | None = None
    holdout: float | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)
    trained_on: NDArray[np.uint64] | None = field(default=None, compare=False)
    class_names: tuple[str, ...] | None = None

    @property
    def names_of_classes(self) -> tuple[str, ...]:
        """A name for each class: those of the data, else "class 0", "class 1", ..."""
        names = self.class_names or ()
        return (*names, *(f"class {y}" for y in range(len(names), self.num_classes)))
