"""Several reports side by side, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bounds.arguments import as_mapping, checked, file, instance, maybe
from bounds.rendering import rendered
from bounds.report.families import families
from bounds.report.files import write_text
from bounds.report.format import confidence, percent
from bounds.report.report import Report
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """Reports by name, their bounds in one table, and a ranking of the encoders under each bound.

    Attributes:
        reports: Name of the encoder to its report.
    """

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

    def by_family(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Title of each family to the names and axes of its bounds, over all reports."""
        bounds: dict[str, Bound] = {}
        for report in self.reports.values():
            bounds |= {bound.name: bound for bound in report if bound.name not in bounds}
        return [(one.title, [(b.name, b.axis.name) for b in one.bounds]) for one in families(bounds)]

    def __iter__(self) -> Any:
        return iter(self.reports.values())

    @property
    def answer(self) -> str:
        """Which encoder has the smallest certified error, in a sentence."""
        certified = {name: r.verdict for name, r in self.reports.items() if r.verdict.outcome == "certified"}
        if not certified:
            return "No encoder has an informative certificate."
        name = min(certified, key=lambda one: certified[one].error or 0.0)
        least, sure = percent(certified[name].error or 0.0, up=True), confidence(self.reports[name].delta)
        return f"{name} has the smallest certified error, at most {least}; each certificate holds by itself, with {sure}."

    def __repr__(self) -> str:
        return str(rendered("report.text:comparison_screen", self))

    def _repr_html_(self) -> str:
        return str(rendered("report.html:comparison_body", self))

    @checked()
    def plot(self, style: Any = None) -> Figure:
        """The panels of `Report.plot` with a row an encoder.

        Args:
            style: A Matplotlib style (name, path or dict of rcParams), applied after the package's own.
        """
        figure: Figure = rendered("report.figures:comparison_figure", self.reports, style)
        return figure

    @checked(path=maybe(file))
    def to_html(self, path: Any = None) -> str:
        """A self-contained page: the encoders side by side, then every report; also written to `path` if given."""
        text = str(rendered("report.html:comparison_page", self))
        if path is not None:
            write_text(path, text)
        return text
