"""What was declared about the data before looking: sizes, radii, prior, head, and the status of each assumption."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bounds.errors import InvalidOption

Status = Literal["holds", "violated", "unverifiable"]
LEVEL = 1e-4  # at which a test refutes an assumption

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
    "A6'": "i.i.d. pairs: no item stands in two pairs",
    "A7": "S and S̄ independent",
    "H": "held-out items independent of everything fitted",
    "K": "every class of the population is among the K",
}


@dataclass(frozen=True)
class AssumptionTest:
    """What a test said of an assumption. A test that passes changes no status.

    Attributes:
        name: Of the test.
        null: What it would refute, in words.
        p_value: Never below the chance of so extreme a value under the null.
        effect: Size of the departure, on the test's own scale, 0 under the null.
        sizes: The numbers it rests on, by name.
        least: Smallest p-value that data of these sizes could have given.
    """

    name: str
    null: str
    p_value: float
    effect: float
    sizes: Mapping[str, int]
    least: float = 0.0

    @property
    def testable(self) -> bool:
        """Whether data of these sizes could refute the null at all."""
        return self.least <= LEVEL

    @property
    def refuted(self) -> bool:
        """Whether the null is refuted, at p ≤ 10⁻⁴."""
        return self.p_value <= LEVEL

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {size:,}" for name, size in self.sizes.items())
        said = f"p = {self.p_value:.2g}, effect {self.effect:+.2g}" if self.testable else "not testable here"
        return f"{self.name}: {said} ({sizes})"


@dataclass(frozen=True)
class Assumption:
    """One proof obligation: its name, whether it holds on this data, why we say so, and what a test said."""

    name: str
    status: Status
    reason: str
    test: AssumptionTest | None = None

    @property
    def title(self) -> str:
        """What the assumption says."""
        return TITLES.get(self.name, self.name)

    @property
    def holds(self) -> bool:
        """Whether a certificate may rest on it."""
        return self.status == "holds"

    def tested(self, test: AssumptionTest | None) -> Assumption:
        """With what a test said: violated if it refutes, else as declared."""
        if test is None:
            return self
        if test.refuted:
            return Assumption(self.name, "violated", f"refuted by the data, {test}: not {test.null}", test)
        return Assumption(self.name, self.status, self.reason, test)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python; `Assumption.from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Assumption:
        """The inverse of `to_dict`."""
        test = plain.get("test")
        return cls(**{**plain, "test": None if test is None else AssumptionTest(**test)})


@dataclass(frozen=True)
class Declared:
    """What the caller vouches for, beyond the options of `evaluate`; a dict of the same keys does as well.

    Attributes:
        test_is_fresh: Were encoder and head fixed before the test items (H)? None: unverifiable.
        repeats: What equal items in S, T and among the pairs are. None: unknown, every bound uses a count that is right
            for i.i.d. rows and for added copies, or is not certified. "keep": the population itself repeats items.
            "drop": the population has no atoms, so that they are copies; one of each is kept.
        overlap: "added": test items that the head was made from were added to the test set, none replaced one.
        looks: J, how many certificates will be read off this test set; each bound on it is evaluated at δ/J.
        groups: One integer a row of the test data (patient, film, scene), or the name of a column that has it; one
            row of each group, chosen by the seed, is used.

    Raises:
        InvalidOption: another value.
    """

    test_is_fresh: bool | None = None
    repeats: Literal["keep", "drop"] | None = None
    overlap: Literal["added"] | None = None
    looks: int = 1
    groups: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for option, choices in (
            ("test_is_fresh", (None, True, False)),
            ("repeats", (None, "keep", "drop")),
            ("overlap", (None, "added")),
        ):
            value = getattr(self, option)
            if not any(value is one or (isinstance(one, str) and value == one) for one in choices):
                raise InvalidOption(
                    f"`{option}` in `declared` must be one of {', '.join(map(repr, choices))}, got {value!r}."
                )
        if isinstance(self.looks, bool) or not isinstance(self.looks, int) or self.looks < 1:
            raise InvalidOption(
                f"`looks` in `declared` must be a whole number of at least 1, got {self.looks!r}."
            )

    @classmethod
    def of(cls, value: Declared | Mapping[str, Any] | None) -> Declared:
        """The option `declared`.

        Raises:
            InvalidOption: neither a `Declared` nor a dict of its fields.
        """
        if isinstance(value, Declared):
            return value
        if value is None:
            return cls()
        names = [one.name for one in fields(cls)]
        if not isinstance(value, Mapping) or not set(value) <= set(names):
            raise InvalidOption(
                f"`declared` must be a bounds.Declared or a dict with keys among {', '.join(names)}, got {value!r}."
            )
        return cls(**value)


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
        holdout: Share of S kept aside where a bound needs a part of S; None for each theorem's own.
        seed: Of every random choice.
        declared: What the caller vouches for about copies and the test items.
        trained_on: Fingerprints of the items the encoder was trained on, where its checkpoint records them, (M,).
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
    holdout: float | None = None
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    declared: Declared = Declared()
    trained_on: NDArray[np.uint64] | None = field(default=None, compare=False)
