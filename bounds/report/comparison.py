"""Several reports side by side, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.arguments import as_mapping, checked, file, instance, maybe
from bounds.errors import NotApplicable
from bounds.rendering import rendered
from bounds.report.families import families
from bounds.report.few_shot import differences
from bounds.report.files import write_text
from bounds.report.format import confidence, percent, short
from bounds.report.report import Report
from bounds.report.tested import Tested
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Comparison:
    """Reports by name, their bounds in one table, and a ranking of the encoders under each bound.

    Attributes:
        reports: Name of the encoder to its report.

    Example:
        >>> import numpy as np
        >>> y = np.arange(40) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((40, 2))
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> both = bounds.compare({"one": report, "same": report})
        >>> both.paired()[["encoder", "other", "difference"]].values.tolist()
        [['one', 'same', 0.0]]
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

    def paired(self) -> pandas.DataFrame:
        """Every pair of reports on the same test items, compared item by item: a row a pair.

        Columns: encoder, other; items; only_right, other_only_right (items on which one alone is right); difference =
        err(other) − err(encoder), an estimate; low, high: it lies between them, for all pairs together with probability
        1 − δ (the largest δ of the reports, shared by the pairs); p_value: exact, of "both err equally often", adjusted for
        the number of pairs by Holm's method. Both heads were fixed before the test items. Copies of labeled rows count
        against every claim, repeated rows as `paired` says.
        """
        import pandas

        from bounds.duels.paired import paired
        from bounds.duels.signs import holm

        names = [name for name, report in self.reports.items() if report.tested is not None]
        pairs = [(a, b) for a, b in combinations(names, 2) if self._tested(a).items == self._tested(b).items]
        rows = []
        for a, b in pairs:
            one, other = self._tested(a), self._tested(b)
            labels = np.where(other.labels < 0, other.labels, one.labels).astype(np.int64)
            repeats: Any = one.repeats if one.repeats == other.repeats else None
            delta = max(report.delta for report in self.reports.values()) / len(pairs)
            found = paired(one.predicted, other.predicted, labels, delta, one.first.astype(np.int64), repeats)
            row: dict[str, Any] = {"encoder": a, "other": b, "items": found.count}
            row |= {"only_right": found.plus, "other_only_right": found.minus, "difference": found.difference}
            rows.append(
                {**row, "low": found.interval[0], "high": found.interval[1], "p_value": found.p_value}
            )
        columns = [
            "encoder",
            "other",
            "items",
            "only_right",
            "other_only_right",
            "difference",
            "low",
            "high",
            "p_value",
        ]
        frame = pandas.DataFrame(rows, columns=columns)
        frame["p_value"] = holm(frame["p_value"].to_numpy(np.float64))
        return frame

    def _tested(self, name: str) -> Tested:
        found = self.reports[name].tested
        if found is None:
            raise NotApplicable(f"The report {name!r} has no test items.")
        return found

    def ranking(self) -> dict[str, list[str]]:
        """For each bound that all reports share, the encoders from the smallest value to the largest."""
        shared = [
            bound.name for bound in next(iter(self.reports.values())) if all(bound.name in r for r in self)
        ]
        return {
            name: sorted(self.reports, key=lambda encoder: self.reports[encoder][name].value)
            for name in shared
        }

    def few_shot(self) -> pandas.DataFrame:
        """Few-shot errors of the encoders against each other on the same episodes, with limits of each difference.

        Returns:
            A row for each pair: `a`, `b`, `difference` of the mean errors, `lower` and `upper` limit of err_a − err_b at
            confidence 1 − δ (each pair by itself), the `better` one where the limits decide, and whether both are
            `certified`.

        Raises:
            NotApplicable: a report without few-shot episodes, or with episodes of other items.
        """
        return differences(self.reports)

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
        name = short(name, 60)
        return f"{name} has the smallest certified error: at most {least}, with {sure} confidence for each by itself."

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
