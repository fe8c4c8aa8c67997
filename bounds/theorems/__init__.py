"""A theorem is a pure function of evidence and lives in a file of its own, in its family's folder: here they are found."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

from bounds.arguments import checked, instance, several, unknown
from bounds.errors import InvalidOption
from bounds.theorems.bound import Bound, Term, Theorem

__all__ = ["Bound", "Term", "Theorem", "register", "select", "THEOREMS"]


def _theorems() -> Iterator[Theorem]:
    """Those of every file in a family's folder, by folder, file and place in it."""
    for found in walk_packages(__path__, f"{__name__}."):
        if found.name.count(".") > __name__.count(".") + 1:
            yield from (one for one in vars(import_module(found.name)).values() if isinstance(one, Theorem))


_ALL = {theorem.name: theorem for theorem in _theorems()}
THEOREMS = {name: theorem for name, theorem in _ALL.items() if theorem.kind != "expression"}
ON_REQUEST = {name: theorem for name, theorem in _ALL.items() if theorem.kind == "expression"}


@checked(theorem=instance(Theorem, "a `bounds.Theorem`"))
def register(theorem: Theorem) -> Theorem:
    """Add a theorem of your own to every later report.

    Raises:
        InvalidOption: if the name is taken.

    Example:
        >>> from bounds.theorems import THEOREMS
        >>> text = {"title": "an estimate of mine", "source": "me", "statement": "P(A)", "predictor": "none"}
        >>> theorem = bounds.register(bounds.Theorem(name="mine", kind="estimate", **text))
        >>> "mine" in bounds.catalogue().index
        True
        >>> del THEOREMS["mine"]  # or every later report has it
    """
    if theorem.name in THEOREMS or theorem.name in ON_REQUEST:
        raise InvalidOption(f"A bound named `{theorem.name}` exists already; choose another name.")
    THEOREMS[theorem.name] = theorem
    return theorem


def select(names: str | Iterable[str] | None) -> list[Theorem]:
    """The theorems asked for, in order; all by default.

    Args:
        names: One name or several.

    Raises:
        InvalidOption: for a name that does not exist, an empty list, or a name that is given twice.

    Example:
        >>> from bounds.theorems import select
        >>> [theorem.name for theorem in select(["test_set", "held_out"])]
        ['test_set', 'held_out']
    """
    if names is None:
        return list(THEOREMS.values())
    found: list[Theorem] = several(_theorem, "names of bounds")(
        "bounds", [names] if isinstance(names, str) else names
    )
    return found


def _theorem(argument: str, name: Any) -> Theorem:
    known = {**THEOREMS, **ON_REQUEST}
    if not isinstance(name, str) or name not in known:
        raise unknown(f"`{argument}` names unknown bounds:", name, known)
    return known[name]
