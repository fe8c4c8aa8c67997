"""compare(): several reports, or several checkpoints on the same data, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bounds.errors import InvalidOption
from bounds.evaluation.evaluation import evaluate
from bounds.report.comparison import Comparison
from bounds.report.report import Report


def compare(
    entries: Mapping[str, Any], labeled: Any = None, unlabeled: Any = None, **options: Any
) -> Comparison:
    """Several encoders side by side.

    Args:
        entries: Name to a `Report`, or to a checkpoint, which is then evaluated on `labeled` and `unlabeled`.
        labeled, unlabeled, options: As in `evaluate`, for the entries that are checkpoints.

    Raises:
        InvalidOption: without entries, or with a checkpoint but no `labeled`.
    """
    if not entries:
        raise InvalidOption("`compare` needs at least one report or checkpoint.")
    if labeled is None and not all(isinstance(entry, Report) for entry in entries.values()):
        raise InvalidOption("`compare` needs `labeled` to evaluate checkpoints; or pass reports.")
    return Comparison(
        {
            name: entry
            if isinstance(entry, Report)
            else evaluate(entry, labeled, unlabeled, name=name, **options)
            for name, entry in entries.items()
        }
    )
