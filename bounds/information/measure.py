"""One named number of a representation, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bounds.errors import InvalidData


@dataclass(frozen=True)
class Measure:
    """One number: its name, value (None where it does not apply) and definition, or why it does not apply."""

    name: str
    value: float | None
    definition: str


def attempt(name: str, definition: str, measure: Callable[..., float], *inputs: Any) -> Measure:
    """A measure, or why a collapsed representation has none."""
    try:
        return Measure(name, measure(*inputs), definition)
    except InvalidData as reason:
        return Measure(name, None, str(reason))
