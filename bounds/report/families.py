"""Families of bounds: what a report groups by, and which member of each says most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from bounds.theorems import THEOREMS
from bounds.theorems.bound import Bound, Theorem

# In the order of a reader's interest: what a family is called, and what its bounds do.
FAMILIES: dict[str, tuple[str, str]] = {
    "counting": ("counting", "count the errors of a head on labels it never saw"),
    "few_shot": ("few-shot", "the error of a rule that is made from a few labels of each class"),
    "supervised": ("supervised", "a head by the labels it was fitted on"),
    "vicreg": ("VICReg", "Theorem 2 of Shwartz-Ziv et al. (2023) and its relatives"),
    "contrastive": ("contrastive", "from a contrastive loss to a classifier of class means"),
    "invariance": ("invariance", "what changes between two views of one image"),
    "memorisation": ("memorisation", "robustness, rationality and memorisation gaps"),
    "other": ("other", "bounds registered by the user"),
}


def family_of(theorem: Theorem) -> str:
    """The folder of `bounds.theorems` that a theorem lives in; "other" where it lives elsewhere."""
    inputs = theorem.inputs.func if isinstance(theorem.inputs, partial) else theorem.inputs
    place = getattr(inputs, "__module__", "").split(".")
    inside = place[:2] == ["bounds", "theorems"] and len(place) > 3
    return place[2] if inside and place[2] in FAMILIES else "other"


def family(bound: Bound) -> str:
    """Of a bound, by its theorem; "other" where no theorem of its name is registered here."""
    return family_of(THEOREMS[bound.name]) if bound.name in THEOREMS else "other"


@dataclass(frozen=True)
class Family:
    """The bounds of one family.

    Attributes:
        name, title, about: Key, title for people, and what its bounds do.
        bounds: In the order of the report.
        best: The member that says most: certified before estimated, an error rate before none, then the smaller.
    """

    name: str
    title: str
    about: str
    bounds: tuple[Bound, ...]

    @property
    def best(self) -> Bound:
        """The member that says most."""
        return min(self.bounds, key=_rank)

    @property
    def certified(self) -> int:
        """How many of its bounds are certified."""
        return sum(bound.certified for bound in self.bounds)

    @property
    def informative(self) -> int:
        """How many of its bounds are certified and not vacuous."""
        return sum(bound.certified and not bound.vacuous for bound in self.bounds)


def _rank(bound: Bound) -> tuple[bool, bool, bool, bool, float]:
    special = bound.axis.name not in ("error", "loss") or bound.axis.name.endswith("from below")
    error = bound.error_rate
    return (
        not bound.certified,
        error is None,
        special and error is None,
        bool(bound.vacuous_error) and bound.vacuous,
        bound.value if error is None else error,
    )


def families(bounds: Iterable[Bound] | Mapping[str, Bound]) -> tuple[Family, ...]:
    """Bounds by family, those without a member left out."""
    found = list(bounds.values()) if isinstance(bounds, Mapping) else list(bounds)
    members: dict[str, list[Bound]] = {name: [] for name in FAMILIES}
    for bound in found:
        members[family(bound)].append(bound)
    return tuple(Family(name, *FAMILIES[name], tuple(inside)) for name, inside in members.items() if inside)
