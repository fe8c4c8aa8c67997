"""An assumption: its name, whether it holds on this data, and why we say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
