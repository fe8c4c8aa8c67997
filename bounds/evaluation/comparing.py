"""compare(): several reports, or several checkpoints on the same data, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bounds.arguments import as_mapping, checked
from bounds.errors import InvalidOption
from bounds.evaluation.evaluation import evaluate
from bounds.report.comparison import Comparison
from bounds.report.report import Report


@checked(entries=as_mapping("reports or checkpoints"))
def compare(
    entries: Mapping[str, Any], labeled: Any = None, unlabeled: Any = None, **options: Any
) -> Comparison:
    """Several encoders side by side.

    Args:
        entries: Name to a `Report`, or to a checkpoint, which is then evaluated on `labeled` and `unlabeled`.
        labeled, unlabeled, options: As in `evaluate`, for the entries that are checkpoints.

    Raises:
        InvalidOption: without entries, or with a checkpoint but no `labeled`.

    Example:
        >>> from bounds.examples.digits import CHECKPOINTS, digits
        >>> data = digits()
        >>> both = bounds.compare(CHECKPOINTS, data.labeled, test=data.test, fresh=True, bounds=["test_set"], progress=False)
        >>> sorted(both.reports)
        ['SimCLR', 'VICReg']
    """
    reports = all(isinstance(entry, Report) for entry in entries.values())
    if reports and (labeled is not None or unlabeled is not None or options):
        raise InvalidOption(
            "`compare` of reports alone takes no data and no options; those are for checkpoints."
        )
    if labeled is None and not reports:
        raise InvalidOption("`compare` needs `labeled` to evaluate checkpoints; or pass reports.")
    return Comparison(
        {
            name: entry
            if isinstance(entry, Report)
            else evaluate(entry, labeled, unlabeled, name=name, **options)
            for name, entry in entries.items()
        }
    )
