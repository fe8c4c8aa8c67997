"""compare(): several reports, or several checkpoints on the same data, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bounds.arguments import as_mapping, checked, file, maybe
from bounds.certificate.evaluation import evaluate
from bounds.certificate.format import significant
from bounds.certificate.report import Report
from bounds.errors import InvalidOption

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """Reports by name, their bounds in one table, and a ranking of the encoders under each bound."""

    reports: Mapping[str, Report]

    def to_frame(self) -> pandas.DataFrame:
        """One row per encoder and term, as `Report.to_frame`, with the column "encoder" in front."""
        import pandas

        frames = []
        for name, report in self.reports.items():
            frame = report.to_frame()
            frame.insert(0, "encoder", name)
            frames.append(frame)
        return pandas.concat(frames, ignore_index=True)

    def table(self) -> pandas.DataFrame:
        """Bounds in rows, encoders in columns, values on each bound's own axis."""
        totals = self.to_frame().query("term == 'total'")
        return totals.pivot(index=["bound", "axis"], columns="encoder", values="value").reindex(
            index=list(dict.fromkeys(zip(totals["bound"], totals["axis"], strict=True))),
            columns=list(self.reports),
        )

    def ranking(self) -> dict[str, list[str]]:
        """For each bound that all reports share, the encoders from the smallest value to the largest."""
        shared = [
            bound.name for bound in next(iter(self.reports.values())) if all(bound.name in r for r in self)
        ]
        return {
            name: sorted(self.reports, key=lambda encoder: self.reports[encoder][name].value)
            for name in shared
        }

    def __iter__(self) -> Any:
        return iter(self.reports.values())

    def __repr__(self) -> str:
        width = max(len(name) for name in self.reports)
        columns = [max(width, 10)] * len(self.reports)
        names = list(dict.fromkeys(bound.name for report in self for bound in report))
        lines = [
            f"{'':<28}{'axis':<12}"
            + "".join(f"{n:>{w + 2}}" for n, w in zip(self.reports, columns, strict=True))
        ]
        for name in names:
            cells, axis = [], ""
            for report, w in zip(self, columns, strict=True):
                shown = "–"
                if name in report:
                    bound = report[name]
                    axis = bound.axis.name
                    shown = significant(bound.value, up=True) + ("" if bound.certified else "*")
                cells.append(f"{shown:>{w + 2}}")
            lines.append(f"{name:<28}{axis:<12}" + "".join(cells))
        for label, key in (("measured error", "error"), ("measured loss", "loss")):
            measured = [
                report.measured.get(str(report.provenance.get("head")), {}).get(key) for report in self
            ]
            if any(value is not None for value in measured):
                cells = [
                    f"{'–' if value is None else significant(value):>{w + 2}}"
                    for value, w in zip(measured, columns, strict=True)
                ]
                lines.append(f"{label:<28}{key:<12}" + "".join(cells))
        return "\n".join([*lines, "* an estimate: an assumption it needs is violated or unverifiable"])

    def _repr_html_(self) -> str:
        from bounds.certificate.html import body

        return "\n".join(body(report) for report in self)

    def plot(self) -> Figure:
        """The panels of every report on common axes."""
        from bounds.certificate.plots import comparison_figure

        return comparison_figure(self.reports)

    @checked(path=maybe(file))
    def to_html(self, path: Any = None) -> str:
        """A self-contained page with the common figure and every report, also written to `path` if given."""
        from bounds.certificate.html import comparison_page
        from bounds.certificate.report import write_text

        text = comparison_page(self)
        if path is not None:
            write_text(path, text)
        return text


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
