"""Several reports side by side, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bounds.arguments import as_mapping, checked, file, instance, maybe
from bounds.rendering import rendered
from bounds.report.files import write_text
from bounds.report.format import significant
from bounds.report.ledger import ledger
from bounds.report.report import Report

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """Reports by name, their bounds in one table, and a ranking of the encoders under each bound."""

    reports: Mapping[str, Report]

    def __post_init__(self) -> None:
        for name, report in as_mapping("reports")("reports", self.reports).items():
            instance(Report, "a `bounds.Report`")(f"reports[{name!r}]", report)

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
        lines.append("* an estimate: an assumption it needs is violated or unverifiable")
        said = ledger(list(self))
        return "\n".join(lines if said is None else [*lines, said])

    def _repr_html_(self) -> str:
        return "\n".join(report._repr_html_() for report in self)

    def plot(self) -> Figure:
        """The panels of every report on common axes."""
        figure: Figure = rendered("report.figures:comparison_figure", self.reports)
        return figure

    @checked(path=maybe(file))
    def to_html(self, path: Any = None) -> str:
        """A self-contained page with the common figure and every report, also written to `path` if given."""
        text = str(rendered("report.html:comparison_page", self))
        if path is not None:
            write_text(path, text)
        return text
