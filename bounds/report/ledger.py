"""How many reports were made on one test set, and what the choice among them costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bounds.report.report import Report


def ledger(reports: Sequence[Report]) -> str | None:
    """One sentence for the test set that most of these reports read, if more than one did; equal reports count once."""
    looks: Counter[str] = Counter()
    declared: dict[str, int] = {}
    texts = set()
    for report in reports:
        test = test_set_of(report)
        text = json.dumps(_identity(report), sort_keys=True, default=str)
        if test is None or text in texts:
            continue
        texts.add(text)
        looks[test] += 1
        declared[test] = max(declared.get(test, 1), _looks(report))
    if not looks:
        return None
    test, count = looks.most_common(1)[0]
    if count < 2:
        return None
    paid = declared[test]
    said = f"{count} reports read one test set"
    if paid >= count:
        return f"{said}; declared looks={paid} pays for a choice among them"
    return (
        f"{said}: a choice among them needs declared=dict(looks={count}), which evaluates each at δ/{count}"
    )


def test_set_of(report: Report) -> str | None:
    """What identifies the test items of a report; None without test items."""
    test = (report.provenance.get("data") or {}).get("test")
    return None if test is None else json.dumps(test, sort_keys=True, default=str)


def _looks(report: Report) -> int:
    declared = (report.provenance.get("options") or {}).get("declared") or {}
    return int(declared.get("looks", 1)) if isinstance(declared, dict) else 1


def _identity(report: Report) -> dict[str, object]:
    """What was evaluated: two reports of the same are one look."""
    kept = ("checkpoint", "data", "options", "head")
    options = {
        key: value
        for key, value in (report.provenance.get("options") or {}).items()
        if key not in ("name", "progress")
    }
    return {key: report.provenance.get(key) for key in kept} | {"options": options}
