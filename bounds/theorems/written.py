"""LaTeX that is printed when somebody looks at it: printing a formula costs more than evaluating it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class _Late:
    """The attribute `latex`: text, or until it is looked at the function that prints it."""

    def __get__(self, one: Any, kind: type | None = None) -> str:
        if one is None:
            raise AttributeError("`latex` is an attribute of instances.")
        kept = one.__dict__
        if callable(kept["latex"]):
            kept["latex"] = kept["latex"]()
        return cast(str, kept["latex"])

    def __set__(self, one: Any, value: str | Callable[[], str]) -> None:
        one.__dict__["latex"] = value


def late(printing: Callable[[], str]) -> str:
    """What a class that is `written_late` takes in place of its LaTeX."""
    return cast(str, printing)


def written_late(kind: type[T]) -> type[T]:
    """A dataclass with a field `latex` that may be given by `late`; what is saved holds the text."""

    def state(self: Any) -> dict[str, Any]:
        return {**self.__dict__, "latex": self.latex}

    cast(Any, kind).latex = _Late()
    cast(Any, kind).__getstate__ = state
    return kind


def changed(one: T, **fields: Any) -> T:
    """`dataclasses.replace` of what is `written_late`, which prints nothing."""
    other = object.__new__(type(one))
    other.__dict__.update(one.__dict__ | fields)
    return other
