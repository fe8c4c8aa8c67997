"""Figures of reports: the answer on the error axis, a row a family, and the anatomy of one theorem, term by term."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.report.families import FAMILIES
from bounds.report.few_shot import FewShotCurve, draw
from bounds.report.format import short, significant, visible
from bounds.report.reading import measured
from bounds.report.text import error_cell
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bounds.report.report import Report

STYLE = Path(__file__).parent / "bounds.mplstyle"
_DISSECTED = ("vicreg_certified", "vicreg", "vicreg_direct")  # Theorem 2 first; else what says most
_ROW = 0.21  # inches
_CURVE = 11  # rows that the curve of the few-shot error takes
_NAME, _TERM, _LINE = 30, 26, 62  # characters
_SHADE, _INK = "0.93", "0.15"


@dataclass(frozen=True)
class _Row:
    """One line of the answer panel."""

    label: str
    report: Report
    bound: Bound
    color: str


def report_figure(report: Report, style: Any = None) -> Figure:
    """Both panels for one report; see `comparison_figure`."""
    return comparison_figure({report.name: report}, style)


def comparison_figure(reports: Mapping[str, Report], style: Any = None) -> Figure:
    """The best bound of each family on the error axis from 0 to 1, and one theorem term by term on its own scale.

    Args:
        reports: Encoder name to report; each encoder has its colour in both panels.
        style: A Matplotlib style (name, path or dict of rcParams), applied after the package's own.

    Raises:
        InvalidOption: no such style.
    """
    import matplotlib.pyplot as plt

    styles = [str(STYLE), *([] if style is None else style if isinstance(style, list) else [style])]
    with ExitStack() as stack:
        try:
            stack.enter_context(plt.style.context(styles))
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as err:
            raise InvalidOption(
                f"`style` must be a Matplotlib style: a name of matplotlib.style.available, a file, a dict of "
                f"rcParams, or a list of these; got {shown(style)}."
            ) from err
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
        colors = {name: cycle[j % len(cycle)] for j, name in enumerate(reports)}
        blocks = _blocks(reports, colors)
        dissected = _dissected(reports)
        lines = [sum(1 + len(rows) for _, rows in blocks), _lines(dissected)]
        curves = _curves(reports)
        lines += [_CURVE] if curves else []
        figure, panels = plt.subplots(
            len(lines),
            1,
            figsize=(7.0, 1.9 + _ROW * sum(max(count, 2) for count in lines)),
            height_ratios=[max(count, 2) for count in lines],
            layout="constrained",
        )
        _answer(panels[0], blocks, reports)
        _anatomy(panels[1], dissected, colors)
        for place, (name, curve) in enumerate(curves.items()):
            draw(panels[2], curve, colors[name], labeled=place == 0)
            panels[2].set_title("Few-shot error over the labels a class")
        handles = _legend(reports, colors)
        figure.legend(handles=handles, loc="outside lower center", ncols=min(3, len(handles)))
        for label in (text for one in figure.legends for text in one.get_texts()):
            label.set_parse_math(False)
        plt.close(figure)
    return figure


def _curves(reports: Mapping[str, Report]) -> dict[str, FewShotCurve]:
    """Few-shot errors at several numbers of shots, where they were asked for."""
    found = {name: report.bounds.get("few_shot") for name, report in reports.items()}
    return {name: FewShotCurve(bound) for name, bound in found.items() if bound and len(bound.table) > 1}


def _blocks(reports: Mapping[str, Report], colors: Mapping[str, str]) -> list[tuple[str, list[_Row]]]:
    """Family title to its rows: the member that says most about an error rate, for each encoder."""
    found = []
    for key, (title, _) in FAMILIES.items():
        rows = []
        for name, report in reports.items():
            best = next((one.best for one in report.verdict.families if one.name == key), None)
            if best is not None and best.error_rate is not None:
                label = (
                    f"{short(name, 16)} · {short(best.name, 22)}" if len(reports) > 1 else short(best.name)
                )
                rows.append(_Row(label, report, best, colors[name]))
        if rows:
            found.append((title, rows))
    return found


def _answer(axes: Axes, blocks: Sequence[tuple[str, list[_Row]]], reports: Mapping[str, Report]) -> None:
    place, ticks, labels, heads = 0, [], [], []
    for title, rows in blocks:
        heads.append((place, title))
        for row in rows:
            place += 1
            ticks.append(place)
            labels.append(row.label)
            _answer_row(axes, place, row)
        place += 1
    axes.set(xlim=(0, 1), xlabel="error rate by the bound of each family that says most")
    axes.set_title(_said(reports), parse_math=False)
    _rows(axes, ticks, labels, max(place, 2))
    for at, title in heads:
        axes.text(0.0, at, f" {title}", transform=axes.get_yaxis_transform(), va="center", fontweight="bold")
    trivial = {report.quantities.get("trivial_error", 1.0) for report in reports.values()}
    if len(trivial) == 1 and (start := trivial.pop()) < 1:
        axes.axvspan(start, 1, color=_SHADE, lw=0, zorder=0)


def _said(reports: Mapping[str, Report]) -> str:
    """What the panel shows: the answer of a report, in the lines that there is room for."""
    if len(reports) > 1:
        return "The bound of each family that says most, for each encoder"
    (report,) = reports.values()
    return fill(visible(report.verdict.answer), _LINE, max_lines=3, placeholder=" …")


def _answer_row(axes: Axes, place: int, row: _Row) -> None:
    bound, error = row.bound, row.bound.error_rate or 0.0
    found = measured(row.report, bound.head)
    if found is not None:
        if found.interval is not None:
            low, high = found.interval
            axes.barh(place, high - low, left=low, height=0.3, color="0.75", zorder=1)
        axes.plot([found.error] * 2, [place - 0.36, place + 0.36], color=_INK, lw=1.4, zorder=2)
    axes.plot(
        min(max(error, 0.0), 1.0),
        place,
        ">" if error >= 1 else "o",
        mec=row.color,
        mfc=row.color if bound.certified else "white",
        clip_on=False,
        zorder=3,
    )
    said = error_cell(bound)
    _beside(axes, place, f"vacuous ({significant(error, 2, up=True)})" if said == "vacuous" else said)


def _dissected(reports: Mapping[str, Report]) -> list[tuple[str, Bound]]:
    """The same theorem for every encoder."""
    everywhere = [name for name in _DISSECTED if all(name in report for report in reports.values())]
    if everywhere:
        return [(name, report[everywhere[0]]) for name, report in reports.items()]
    best = [(name, next((one.best for one in r.verdict.families), None)) for name, r in reports.items()]
    return [(name, bound) for name, bound in best if bound is not None]


def _terms(dissected: Iterable[tuple[str, Bound]]) -> list[str]:
    return list(dict.fromkeys(term for _, bound in dissected for term in bound.terms))


def _lines(dissected: Sequence[tuple[str, Bound]]) -> int:
    return len(_terms(dissected)) * max(1, len(dissected))


def _anatomy(axes: Axes, dissected: Sequence[tuple[str, Bound]], colors: Mapping[str, str]) -> None:
    terms = _terms(dissected)
    size = max(1, len(dissected))
    for j, term in enumerate(terms):
        for i, (name, bound) in enumerate(dissected):
            if term in bound.terms:
                value = bound.terms[term].value
                axes.barh(size * j + i, value, height=0.7, color=colors[name])
                _beside(axes, size * j + i, significant(value, 3))
    names = {bound.name for _, bound in dissected}
    said = f" {short(visible(names.pop()), _NAME)}" if len(names) == 1 else ""
    root = any(bound.combine == "root" for _, bound in dissected)
    axes.set_xlabel(
        "squared loss; the bound is the root of the sum"
        if root
        else "value of the term; the bound is their sum"
    )
    axes.set_title(f"Anatomy of{said or ' the bounds'}", parse_math=False)
    middle = (size - 1) / 2
    _rows(
        axes,
        [size * j + middle for j in range(len(terms))],
        [short(term, _TERM) for term in terms],
        _lines(dissected),
    )


def _rows(axes: Axes, places: Sequence[float], labels: Sequence[str], count: int) -> None:
    axes.set_yticks(places, [visible(label) for label in labels])
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(max(count, 1) - 0.4, -0.6)


def _beside(axes: Axes, place: float, text: str) -> None:
    """A number in a column of its own, right of the panel: it meets no mark and no line."""
    axes.annotate(
        text,
        (1, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
    )


def _legend(reports: Mapping[str, Report], colors: Mapping[str, str]) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    first = next(iter(colors.values()))
    handles: list[Artist] = []
    if len(reports) > 1:
        handles = [Patch(color=colors[name], label=visible(short(name, _NAME))) for name in reports]
    return [
        *handles,
        Line2D([], [], ls="", marker="o", color=first, label="certified, each by itself"),
        Line2D([], [], ls="", marker="o", mec=first, mfc="white", label="an estimate, no certificate"),
        Line2D([], [], ls="", marker=">", color=first, label="beyond 1"),
        Line2D([], [], color=_INK, lw=1.4, label="measured, with its interval"),
        Patch(color=_SHADE, label="vacuous: no better than a constant"),
    ]
