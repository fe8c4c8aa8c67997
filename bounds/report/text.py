"""The report as text: the answer on one screen of 100 columns, every bound and its terms on request."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from bounds.duels.text import points
from bounds.report.format import confidence, count, percent, significant
from bounds.report.ledger import ledger
from bounds.report.reading import failing, items
from bounds.report.verdict import Outcome, Verdict
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from bounds.report.comparison import Comparison
    from bounds.report.report import Report

WIDTH = 100
COLUMNS = ("bound", "error ≤", "value", "axis", "measured", "verdict")
_FAMILY_COLUMNS = ("family", "says most", "error ≤", "value", "axis", "measured", "assumptions")
_NUMERIC = ("error ≤", "value", "measured")
_WITH_AXIS = 3  # encoders beside which there is room for the axes
_LONGEST = 26  # characters of a name in a table
_COLOURS = {"certified": "32", "vacuous": "33", "nothing": "31", "dim": "2", "bold": "1"}
PAIRED_COLUMNS = ("pair", "difference", "interval", "exact p")
PAIRED = "Errors on the same test items, in points; intervals hold together, p-values pay for all pairs."
LIMITS = ("error", "limit")  # columns of tables that are never printed smaller than they are
LEGEND = "Each row holds by itself; vacuous: no better than a constant; *: an estimate, an assumption fails."


def screen(report: Report, paint: bool = False) -> str:
    """The answer, what would lower it, what to know, the families: one screen.

    Args:
        report: What to print.
        paint: Whether to use a terminal's colours.
    """
    said = report.verdict
    lines = [_painted(visible(title(report)), "bold", paint), ""]
    lines += [_painted(line, said.outcome, paint) for line in _wrapped(said.answer, "  ")]
    if said.measured is not None:
        lines += _wrapped(measured_line(report, said), "  ")
    lines += _wrapped(basis(report, said), "  ")
    if said.advice:
        lines += ["", "  What would lower it" if said.outcome != "nothing" else "  What is missing"]
        for one in said.advice:
            lines += _wrapped(f"{one.what}: {one.effect}", "    ")
    if said.cautions:
        lines += ["", "  What to know"]
        for caution in said.cautions:
            lines += _wrapped(caution, "    ")
    if said.families:
        rows = [
            (one.title, short(one.best.name), *_cells(report, one.best), _hold(one.best))
            for one in said.families
        ]
        lines += ["", *(f"  {line}" for line in _table(_FAMILY_COLUMNS, rows))]
        lines += [_painted(line, "dim", paint) for line in _wrapped(LEGEND, "  ")]
    rest = len(report) - len(said.families)
    if rest > 0:
        lines += [f'  … {rest} more: report.table(), report.to_text(), or report["name"]']
    return "\n".join(lines)


def comparison_screen(comparison: Comparison, paint: bool = False) -> str:
    """The answer, each encoder, every bound by family."""
    reports, names = list(comparison.reports.values()), list(comparison.reports)
    lines = [_painted(line, "bold", paint) for line in _wrapped(comparison.answer, "")]
    said = ledger(reports)
    if said is not None:
        lines += _wrapped(f"{said}.", "")
    head = ("encoder", "certified by", "error ≤", "measured", "interval")
    lines += [
        "",
        *_table(head, [_encoder(name, report) for name, report in comparison.reports.items()], WIDTH),
    ]
    lines += _paired(comparison)
    with_axis = len(names) <= _WITH_AXIS
    rows: list[tuple[str, ...]] = []
    for family_title, bounds in comparison.by_family():
        rows.append((family_title, *[""] * (len(names) + with_axis)))
        for name, axis in bounds:
            cells = [value_cell(report[name]) if name in report else "–" for report in reports]
            rows.append((f"  {short(name)}", *[axis] * with_axis, *cells))
    columns = ("bound", *["axis"] * with_axis, *names)
    return "\n".join([*lines, "", *_table(columns, rows, WIDTH), LEGEND])


def _paired(comparison: Comparison) -> list[str]:
    """Pairs of reports on the same test items, item by item."""
    rows = paired_rows(comparison)
    return ["", *_wrapped(PAIRED, ""), *_table(PAIRED_COLUMNS, rows, WIDTH)] if rows else []


def paired_rows(comparison: Comparison, longest: int = 30) -> list[tuple[str, ...]]:
    """The cells of `Comparison.paired`, a row a pair, names cut to so many characters."""
    return [
        (
            f"{short(one['other'], longest)} − {short(one['encoder'], longest)}",
            points(one["difference"]),
            f"{points(one['low'], down=True)} to {points(one['high'], up=True)}",
            f"{one['p_value']:.2g}",
        )
        for one in comparison.paired().to_dict("records")
    ]


def _encoder(name: str, report: Report) -> tuple[str, ...]:
    said, name = report.verdict, short(name, 40)
    if said.measured is None:
        seen, interval = "–", "–"
    else:
        seen, limits = percent(said.measured.error), said.measured.interval
        interval = (
            "–" if limits is None else f"{percent(limits[0], down=True)} to {percent(limits[1], up=True)}"
        )
    if said.outcome != "certified" or said.error is None:
        return name, f"nothing ({said.outcome})", "–", seen, interval
    return name, said.bound or "", percent(said.error, up=True), seen, interval


def full(report: Report) -> str:
    """The screen, every bound by family, the assumptions, what does not apply, and every bound term by term."""
    lines = [screen(report)]
    for one in report.verdict.families:
        lines += ["", f"{one.title}: {one.about}"]
        rows = [(short(bound.name), *_cells(report, bound), state(bound)) for bound in one.bounds]
        lines += [f"  {line}" for line in _table(COLUMNS, rows)]
    lines += ["", "assumptions", *assumption_lines(report)]
    if report.not_applicable:
        lines += ["", "not applicable"]
        for name, reason in report.not_applicable.items():
            lines += _wrapped(f"{name}: {reason}", "  ")
    return "\n\n".join(["\n".join(lines), *(terms(bound) for bound in report)])


def terms(bound: Bound) -> str:
    """One bound: statement, terms with meaning, what lowers the largest, notes."""
    unit = "squared loss, the bound is the root of the sum" if bound.combine == "root" else bound.axis.unit
    lines = [
        *_wrapped(f"{bound.name} · {bound.title}", ""),
        *_wrapped(f"{bound.about}; terms in {unit}", "  "),
    ]
    for term in bound.terms.values():
        lines += _described(term.name, term.value, term.meaning, "  ")
        for name, value in term.parts.items():
            lines += _described(name, value, "", "    ")
    error = "" if bound.error_rate is None else f"; error rate ≤ {significant(bound.error_rate, up=True)}"
    lines.append(f"  {'bound':<28}{limit(bound, 4):>12}   δ = {bound.delta:g}{error}")
    lines += _wrapped(state(bound), "  ")
    for name, row in bound.table.items():
        said = "   ".join(f"{key} {significant(value, up=key in LIMITS)}" for key, value in row.items())
        lines += _wrapped(f"{name:<26}{said}", "    ")
    if bound.contradiction is not None:
        lines += _wrapped(f"withheld: {bound.contradiction}", "  ")
    for note in bound.notes:
        lines += _wrapped(f"note: {note}", "  ")
    return "\n".join(lines)


def title(report: Report) -> str:
    """Name and sizes in a line."""
    q, what = report.quantities, items(report)
    sizes = [count(q["n"], "label")]
    if "m" in q:
        sizes.append(count(q["m"], "pair"))
    if "N" in q:
        sizes.append(count(q["N"], f"test {what}"))
    classes = f"{q['K']:,.0f} {'class' if q['K'] == 1 else 'classes'}"
    rest = ", ".join([*sizes, classes])
    return f"bounds report · {short(report.name, max(12, WIDTH - len(rest) - 19))} · {rest}"


def measured_line(report: Report, said: Verdict) -> str:
    """The measured error beside the answer."""
    found = said.measured
    if found is None:
        return ""
    line = f"Measured on {count(found.items, f'test {items(report)}')}: {percent(found.error)}"
    if found.interval is None:
        return f"{line} (no interval: not known to be fresh)."
    low, high = found.interval
    return (
        f"{line} ({confidence(report.delta)} interval {percent(low, down=True)} to {percent(high, up=True)})."
    )


def basis(report: Report, said: Verdict) -> str:
    """What the answer rests on, and how the choice was paid for."""
    if said.outcome == "nothing" or said.bound is None:
        return ""
    kind = next((one.title for one in said.families if said.bound in {b.name for b in one.bounds}), "a bound")
    how = (
        f"Certified by {kind} ({said.bound})"
        if said.outcome == "certified"
        else f"The nearest is {said.bound}"
    )
    if report.best is None:
        return f"{how}."
    return f"{how}; δ = {report.delta:g} shared over {count(len(report.candidates), 'candidate')} before the data."


def state(bound: Bound) -> str:
    """Certified or not and why, vacuous or not, in a few words."""
    if bound.contradiction is not None:
        return "withheld: a contradiction"
    if bound.kind != "bound":
        return {"expression": "an expression, not a bound", "estimate": "an estimate"}[bound.kind]
    status = "certified" if bound.certified else f"estimate: {failing(bound)}"
    if bound.trivial_value is None:
        return status
    informative = "vacuous" if bound.vacuous else "informative"
    if not bound.vacuous and bound.vacuous_error:
        informative += " (vacuous as an error rate)"
    return f"{status}, {informative}"


def assumption_lines(report: Report) -> Iterator[str]:
    """Every assumption that a bound of the report rests on: status, reason, test."""
    used = {name for bound in report for name in bound.assumptions}
    for one in report.assumptions.values():
        if one.name in used:
            yield from _hanging(f"  {one.name:<10}{one.status:<14}", one.reason)
            if one.test is not None and not one.test.refuted:
                yield from _hanging(" " * 26, str(one.test))


def short(name: str, longest: int = _LONGEST) -> str:
    """A name that fits into a table."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def error_cell(bound: Bound) -> str:
    """Its error rate in percent, or that it is vacuous."""
    error = bound.error_rate
    if error is None:
        return "–"
    return "vacuous" if error >= 1 or bound.vacuous_error else percent(error, up=True)


def measured_cell(report: Report, bound: Bound) -> str:
    """What was measured for its head, in the unit of the bound."""
    value = report.measured_for(bound)
    if value is None:
        return "–"
    return percent(value) if bound.axis.name == "error" else significant(value, 3)


def value_cell(bound: Bound) -> str:
    """The bound on its own axis, rounded up."""
    return limit(bound) + ("" if bound.certified else "*")


def limit(bound: Bound, digits: int = 3) -> str:
    """Its value, rounded away from what it claims: up, and down for a limit from below."""
    below = "from below" in f"{bound.title} {bound.axis.name}"
    return significant(bound.value, digits, down=below, up=not below)


def _cells(report: Report, bound: Bound) -> tuple[str, str, str, str]:
    return error_cell(bound), value_cell(bound), short(bound.axis.name, 20), measured_cell(report, bound)


def _hold(bound: Bound) -> str:
    if bound.contradiction is not None:
        return "withheld"
    return "an estimate" if bound.kind != "bound" else failing(bound) or "hold"


def _described(name: str, value: float, meaning: str, indent: str) -> list[str]:
    return _hanging(f"{indent}{short(name):<{30 - len(indent)}}{significant(value):>12}   ", meaning)


def _hanging(start: str, text: str) -> list[str]:
    wrapper = TextWrapper(WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    return wrapper.wrap(visible(text)) or [start.rstrip()]


def _wrapped(text: str, indent: str) -> list[str]:
    return TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent + "  ").wrap(visible(text))


def visible(text: str) -> str:
    """Without characters that steer a terminal or turn the direction of writing."""
    return "".join(one if one.isprintable() else " " for one in text if unicodedata.category(one) != "Cf")


def _painted(line: str, role: Outcome | str, paint: bool) -> str:
    return f"\x1b[{_COLOURS[role]}m{line}\x1b[0m" if paint else line


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], width: int = WIDTH - 2) -> list[str]:
    """Aligned columns; where they do not fit, the widest but the first gives way."""
    lines = [tuple(columns), *(tuple(visible(cell) for cell in row) for row in rows)]
    widths = [max(len(line[j]) for line in lines) for j in range(len(columns))]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        widths[max(range(1, len(widths)), key=lambda j: widths[j])] -= 1

    def line(cells: Sequence[str]) -> str:
        fitted = [short(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
        aligned = [
            cell.rjust(wide) if name in _NUMERIC else cell.ljust(wide)
            for name, cell, wide in zip(columns, fitted, widths, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    head, *body = lines
    return [line(head), "  ".join("─" * wide for wide in widths), *(line(one) for one in body)]
