"""Reports that lie in a folder."""

from __future__ import annotations

from pathlib import Path

from bounds.errors import InvalidInput
from bounds.report.report import Report


def reports_in(folder: str | Path) -> list[Report]:
    """The reports that lie in a folder as JSON files, or one folder below it; files of another kind are passed over."""
    found = []
    for path in sorted([*Path(folder).glob("*.json"), *Path(folder).glob("*/*.json")]):
        try:
            found.append(Report.from_json(path))
        except (InvalidInput, KeyError, TypeError, ValueError):
            continue
    return found
