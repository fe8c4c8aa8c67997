"""The report as text: the answer on one screen of 100 columns, every bound and its terms on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from textwrap import TextWrapper
from typing import TYPE_CHECKING

from bounds.duels.text import points
from bounds.report.families import FAMILIES
from bounds.report.format import confidence, count, percent, short, significant, visible
from bounds.report.ledger import ledger
from bounds.report.reading import failing, items
from bounds.report.verdict import Outcome, Verdict
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from bounds.report.comparison import Comparison
    from bounds.report.report import Report

WIDTH = 100
COLUMNS = ("bound", "error ≤", "otherwise", "measured", "state")
_FAMILY_COLUMNS = ("family", "says most", "error ≤", "otherwise", "measured", "assumptions")
_NUMERIC = ("error ≤", "measured")
_GIVE_WAY = ("says most", "assumptions", "state", "certified by")
_NARROW = 12  # characters that are left of what gives way
_COLOURS = {"certified": "32", "vacuous": "33", "nothing": "31", "dim": "2", "bold": "1"}
PAIRED_COLUMNS = ("pair", "difference", "interval", "exact p")
BEST = "Error ≤, by the bound of each family that says most"
PAIRED = "Errors on the same test items, in points; intervals hold together, p-values pay for all pairs."
LIMITS = ("error", "limit")  # columns of tables that are never printed smaller than they are
LEGEND = (
    "Each row holds by itself; the answer also pays for the choice among them. Vacuous: no better than always naming one "
    "class. *: an estimate, no certificate."
)


def screen(report: Report, paint: bool = False) -> str:
    """The answer, what is wrong with the data, what would lower it, what to know, the families: one screen.

    Args:
        report: What to print.
        paint: Whether to use a terminal's colours.
    """
    said = report.verdict
    lines = [_painted(visible(title(report)), "bold", paint), ""]
    lines += [_painted(line, said.outcome, paint) for line in _wrapped(said.answer, "  ", hang="")]
    for line in said.wrong:
        lines += [_painted(part, "vacuous", paint) for part in _wrapped(line, "  ", hang="")]
    for line in (measured_line(report, said), basis(report, said)):
        lines += _wrapped(line, "  ", hang="")
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
        lines += [_painted(line, "dim", paint) for line in _wrapped(LEGEND, "  ", hang="")]
    rest = len(report) - len(said.families)
    if rest > 0:
        lines += [f'  … {rest} more: report.table(), report.to_text(), or report["name"]']
    return "\n".join(lines)


def comparison_screen(comparison: Comparison, paint: bool = False) -> str:
    """The answer, each encoder, pairs item by item, what the best bound of each family says."""
    reports, names = list(comparison.reports.values()), list(comparison.reports)
    lines = [_painted(line, "bold", paint) for line in _wrapped(comparison.answer, "")]
    said = ledger(reports)
    if said is not None:
        lines += _wrapped(f"{said}.", "")
    sure = {confidence(report.delta) for report in reports}
    head = (
        "encoder",
        "certified by",
        "error ≤",
        "measured",
        f"{sure.pop()} interval" if len(sure) == 1 else "interval",
    )
    lines += [
        "",
        *_table(head, [_encoder(name, report) for name, report in comparison.reports.items()], WIDTH),
    ]
    lines += _paired(comparison)
    columns = ("family", *names)
    rows = [(title, *cells) for title, cells in family_cells(comparison)]
    lines += ["", BEST, *_table(columns, rows, WIDTH, right=names), *_wrapped(LEGEND, "", hang="")]
    most = len(comparison.table())
    return "\n".join([*lines, f"… all {most} bounds: comparison.table(), comparison.to_html(path)"])


def family_cells(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """Title of each family to the error rate of its best member, for each encoder; families that say none are left out."""
    found = []
    for key, (title, _) in FAMILIES.items():
        best = [
            next((one.best for one in report.verdict.families if one.name == key), None)
            for report in comparison.reports.values()
        ]
        cells = ["–" if bound is None else error_cell(bound) for bound in best]
        if set(cells) != {"–"}:
            found.append((title, cells))
    return found


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
        return name, {"vacuous": "nothing: vacuous", "nothing": "nothing"}[said.outcome], "–", seen, interval
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
        return f"{line} (no interval: they are not known to be fresh)."
    low, high = found.interval
    return (
        f"{line} ({confidence(report.delta)} interval {percent(low, down=True)} to {percent(high, up=True)})."
    )


def basis(report: Report, said: Verdict) -> str:
    """What the answer rests on, and that its confidence pays for the choice."""
    if said.outcome == "nothing" or said.bound is None:
        return ""
    kind = next((one.title for one in said.families if said.bound in {b.name for b in one.bounds}), "")
    how = f"Certified by {said.bound}{f' ({kind})' if kind else ''}" if said.outcome == "certified" else ""
    if report.best is None or len(report.candidates) < 2:
        return f"{how}." if how else ""
    paid = f"he {confidence(report.delta)} pays for the choice among {len(report.candidates)} bounds"
    return f"{how}; t{paid}." if how else f"T{paid}."


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


def error_cell(bound: Bound) -> str:
    """Its error rate in percent, with a star where it is an estimate, or that it is vacuous."""
    error = bound.error_rate
    if error is None:
        return "–"
    star = "" if bound.certified else "*"
    return "vacuous" if error >= 1 or bound.vacuous_error else f"{percent(error, up=True)}{star}"


def measured_cell(report: Report, bound: Bound) -> str:
    """What was measured for its head, in the unit of the bound."""
    value = report.measured_for(bound)
    if value is None:
        return "–"
    return percent(value) if bound.axis.name == "error" else significant(value, 3)


def value_cell(bound: Bound) -> str:
    """The bound on its own axis, rounded up."""
    return limit(bound) + ("" if bound.certified else "*")


def otherwise(bound: Bound) -> str:
    """What it says where that is no error rate: a loss, an error of its own kind, a limit from below."""
    if bound.axis.name == "error" and bound.error_rate is not None:
        return "–"
    sign = "≥" if _from_below(bound) else "≤"
    return f"{short(bound.axis.name.removesuffix(', from below'), 20)} {sign} {value_cell(bound)}"


def limit(bound: Bound, digits: int = 3) -> str:
    """Its value, rounded away from what it claims: up, and down for a limit from below."""
    below = _from_below(bound)
    return significant(bound.value, digits, down=below, up=not below)


def _from_below(bound: Bound) -> bool:
    return "from below" in f"{bound.title} {bound.axis.name}"


def _cells(report: Report, bound: Bound) -> tuple[str, str, str]:
    return error_cell(bound), otherwise(bound), measured_cell(report, bound)


def _hold(bound: Bound) -> str:
    if bound.contradiction is not None:
        return "withheld"
    return "an estimate" if bound.kind != "bound" else failing(bound) or "hold"


def _described(name: str, value: float, meaning: str, indent: str) -> list[str]:
    return _hanging(f"{indent}{short(name):<{30 - len(indent)}}{significant(value):>12}   ", meaning)


def _hanging(start: str, text: str) -> list[str]:
    start = visible(start)
    wrapper = TextWrapper(WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    return wrapper.wrap(visible(text)) or [start.rstrip()]


def _wrapped(text: str, indent: str, hang: str = "  ") -> list[str]:
    return TextWrapper(WIDTH, initial_indent=indent, subsequent_indent=indent + hang).wrap(visible(text))


def _painted(line: str, role: Outcome | str, paint: bool) -> str:
    return f"\x1b[{_COLOURS[role]}m{line}\x1b[0m" if paint else line


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    width: int = WIDTH - 2,
    right: Sequence[str] = _NUMERIC,
) -> list[str]:
    """Aligned columns; where they do not fit, names give way, never a number while a name can."""
    lines = [tuple(map(visible, columns)), *(tuple(visible(cell) for cell in row) for row in rows)]
    widths = [max(len(line[j]) for line in lines) for j in range(len(columns))]
    least = [
        max(len(line[j]) for line in lines[1:]) if len(lines) > 1 and name not in _GIVE_WAY else _NARROW
        for j, name in enumerate(columns)
    ]
    while sum(widths) + 2 * (len(widths) - 1) > width:
        able = [j for j in range(1, len(widths)) if widths[j] > least[j]] or list(range(1, len(widths)))
        widths[max(able, key=lambda j: (columns[j] == "assumptions", widths[j]))] -= 1

    def line(cells: Sequence[str]) -> str:
        fitted = [short(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
        aligned = [
            cell.rjust(wide) if name in right else cell.ljust(wide)
            for name, cell, wide in zip(columns, fitted, widths, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    head, *body = lines
    return [line(head), "  ".join("─" * wide for wide in widths), *(line(one) for one in body)]
