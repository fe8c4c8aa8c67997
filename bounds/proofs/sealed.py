"""What the kernel made, as it made it: copies, and what was changed afterwards, are not among it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any
from weakref import WeakKeyDictionary

_MADE: WeakKeyDictionary[Any, tuple[object, ...]] = WeakKeyDictionary()


def seal(one: object) -> None:
    """Remember an object that has just been made, and all that it holds."""
    _MADE[one] = _held(one)


def intact(one: object, kind: type) -> bool:
    """Whether this very object was sealed, is of this very kind, and holds what it held then."""
    made = _MADE.get(one) if type(one) is kind else None
    if made is None:
        return False
    now = _held(one)
    return len(made) == len(now) and all(before is after for before, after in zip(made, now, strict=True))


def _held(one: object, inside: bool = False) -> tuple[object, ...]:
    """What an object holds, and what that holds in its turn; of other sealed objects, only which they are."""
    if is_dataclass(one) and not (inside and one in _MADE):
        parts = [getattr(one, field.name) for field in fields(one) if field.init]
    elif isinstance(one, Mapping):
        parts = [*one.keys(), *one.values()]
    else:
        parts = list(one) if isinstance(one, tuple | frozenset) else []
    deeper = ((part, () if isinstance(part, str) else _held(part, True)) for part in parts)
    return tuple(held for part, more in deeper for held in (part, *more))
