"""Classes go by name: one list of names over the parts of a data set, and over the data of a run."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bounds.errors import InvalidData

Names = tuple[str, ...]
_SHOWN = 10  # names that a message lists


def printable(name: str | os.PathLike[str]) -> str:
    """A file's name that can be printed and saved: bytes that are not UTF-8 are shown as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def class_names(given: Iterable[Any], where: str) -> Names:
    """Names as they are compared: composed (Unicode NFC), so that copies from other file systems agree.

    Raises:
        InvalidData: two names that are the same after composition.
    """
    names = tuple(unicodedata.normalize("NFC", printable(str(name))) for name in given)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise InvalidData(f"{where} has two classes of the name {twice!r}; give each class one name.")
    return names


def united(lists: Sequence[Names]) -> Names:
    """The list that contains all others, in its own order; else all names in alphabetical order."""
    every = {name for names in lists for name in names}
    return next((names for names in lists if every <= set(names)), tuple(sorted(every)))


def renumbering(own: Names, common: Names) -> np.ndarray | None:
    """New index of each own class, int64, or None where nothing changes."""
    index = {name: i for i, name in enumerate(common)}
    found = np.array([index[name] for name in own], dtype=np.int64)
    return None if np.array_equal(found, np.arange(len(own))) else found


def renumbered(labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The labels by their new numbers; −1, an item without label, stays."""
    return np.where(labels < 0, labels, new[labels])


def agreed(found: Mapping[str, Names | None], where: Mapping[str, str]) -> Names | None:
    """One list of names for several data sets of which each names all its classes, or none.

    Of two differing lists one must contain the other: a list that lacks names, as where a test set has no item of a
    class, is matched by name; lists that each have names of their own may be the same classes under other names.

    Args:
        found: The names of each data set by its role; None where it has numbers alone.
        where: How to call each in messages.

    Raises:
        InvalidData: lists of which none contains the others, or numbers without names beside lists that differ.
    """
    named = {role: names for role, names in found.items() if names is not None}
    if not named:
        return None
    common = united(list(named.values()))
    fullest = max(named, key=lambda role: len(named[role]))
    for role, names in named.items():
        if not set(names) <= set(named[fullest]):
            raise InvalidData(
                f"{where[fullest]} has the classes {listed(named[fullest])}, but {where[role]} has "
                f"{listed(names)}; give both the same names for the same classes."
            )
    nameless = next((role for role, names in found.items() if names is None), None)
    if nameless is not None and any(names != common for names in named.values()):
        one, other = _two_lists(named)
        raise InvalidData(
            f"{where[nameless]} has class numbers without names, which could follow {where[one]}, with the classes "
            f"{listed(named[one])}, or {where[other]}, with {listed(named[other])}; give names to all, or to none."
        )
    return common


def _two_lists(named: Mapping[str, Names]) -> tuple[str, str]:
    one, *rest = named
    return one, next(role for role in rest if named[role] != named[one])


def listed(names: Names) -> str:
    """Names for a message, the first few of them."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
