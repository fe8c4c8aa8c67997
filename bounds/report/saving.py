"""Reports as JSON: numbers that JSON lacks become strings, and come back."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

FORMAT = 2
READ = (1, FORMAT)  # formats that are read; 1 lacks `verdict`
_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}
_NUMBERS = {word: number for number, word in _WORDS.items()}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the reports that `Report.to_json` writes.

    Example:
        >>> from bounds.report import schema
        >>> sorted(schema()["properties"])[:3]
        ['assumptions', 'best', 'bounds']
    """
    found: dict[str, Any] = json.loads(
        Path(__file__).with_name("report.schema.json").read_text(encoding="utf-8")
    )
    return found


def json_text(value: Any) -> str:
    """JSON with infinities as the strings "Infinity" and "-Infinity"."""
    return json.dumps(_safe(value), indent=1, allow_nan=False)


def json_values(value: Any) -> Any:
    """The inverse on what was parsed."""
    if isinstance(value, dict):
        return {key: json_values(one) for key, one in value.items()}
    if isinstance(value, list):
        return [json_values(one) for one in value]
    return _NUMBERS.get(value, value) if isinstance(value, str) else value


def _safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _safe(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(one) for one in value]
    return _WORDS.get(value, value) if isinstance(value, float) else value
