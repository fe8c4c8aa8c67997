"""An assumption: its name, whether it holds on this data, and why we say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

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
    "K": "every class of the population is among the K",
    "prior": "the declared class prior is that of the population",
    "H": "held-out items independent of everything fitted",
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
        level: p-value from which the null counts as refuted.

    Example:
        >>> from bounds.assumptions import AssumptionTest
        >>> found = AssumptionTest("swap", "both views have one law", p_value=1e-6, effect=0.4, sizes={"m": 100})
        >>> found.refuted, found.level
        (True, 0.0001)
    """

    name: str
    null: str
    p_value: float
    effect: float
    sizes: Mapping[str, int]
    least: float = 0.0
    level: float = LEVEL

    @property
    def testable(self) -> bool:
        """Whether data of these sizes could refute the null at all."""
        return self.least <= self.level

    @property
    def refuted(self) -> bool:
        """Whether the null is refuted, at p ≤ 10⁻⁴ unless `level` says otherwise."""
        return self.p_value <= self.level

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} = {size:,}" for name, size in self.sizes.items())
        said = f"p = {self.p_value:.2g}, effect {self.effect:+.2g}" if self.testable else "not testable here"
        return f"{self.name}: {said} ({sizes})"


@dataclass(frozen=True)
class Assumption:
    """One proof obligation: its name, whether it holds on this data, why we say so, and what a test said.

    Attributes:
        name: "A1" and so on; its title says what it means.
        status: "holds", "violated" or "unverifiable".
        reason: Why, in words.
        test: What a test said, where there is one.

    Example:
        >>> from bounds.assumptions import Assumption
        >>> one = Assumption("A2", "unverifiable", "nobody said that the encoder was fixed before the labels")
        >>> one.title, one.holds
        ('fresh labels: the encoder does not depend on S', False)
    """

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
