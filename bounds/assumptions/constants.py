"""Whether the logarithms of the printed theorem add up to δ."""

from __future__ import annotations

from typing import Literal

from bounds.assumptions.assumption import Assumption


def constants(choice: Literal["printed", "counted"]) -> Assumption:
    """Whether the logarithms of the printed theorem add up to δ."""
    if choice == "printed":
        return Assumption("constants", "violated", "the printed logarithms spend 4δ/3 and β is not paid for")
    return Assumption("constants", "holds", "evaluated at 3δ/4, the grid of β paid for")
