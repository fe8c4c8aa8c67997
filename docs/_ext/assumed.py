"""Assumptions that pages speak about: their names, places, and what the explanation says of each."""

from __future__ import annotations

from bounds.assumptions.assumption import TITLES
from bounds.theorems import THEOREMS


def assumptions() -> list[str]:
    """Every assumption that has a title or that a theorem needs."""
    needed = [need for theorem in THEOREMS.values() for need in theorem.needs]
    return list(dict.fromkeys([*TITLES, *needed]))


def slug(name: str) -> str:
    """Of an assumption's page: A1' and A1 differ by more than a sign."""
    return name.replace("'", "-prime").lower()


def read_refuters(page: str) -> dict[str, tuple[str, str]]:
    """Assumption to how it is declared and what refutes it, from the table of the explanation."""
    found = {}
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) == 4 and cells[1] not in ("assumption", "---"):
            for name in cells[0].strip("| ").split(", "):
                found[name] = (cells[2], cells[3].strip("| "))
    return found
