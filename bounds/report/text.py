"""The report as text: a summary table, the terms of each bound, a LaTeX table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bounds.report.format import significant
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from bounds.report.report import Report

COLUMNS = ("bound", "value", "axis", "error ≤", "measured", "verdict")


def verdict(bound: Bound) -> str:
    """Certified or not and why, vacuous or not, in a few words."""
    if bound.contradiction is not None:
        return "withheld: a contradiction"
    if bound.kind != "bound":
        return {"expression": "an expression, not a bound", "estimate": "an estimate"}[bound.kind]
    failing = ", ".join(f"{one.name} {one.status}" for one in bound.failing)
    status = "certified" if bound.certified else f"estimate: {failing}"
    if bound.trivial_value is None:
        return status
    informative = "vacuous" if bound.vacuous else "below trivial"
    if not bound.vacuous and bound.vacuous_error:
        informative += " (vacuous as an error rate)"
    return f"{status}, {informative}"


def row(report: Report, bound: Bound) -> tuple[str, ...]:
    """One line of the summary table."""
    measured = report.measured_for(bound)
    error = bound.error_rate
    return (
        bound.name,
        significant(bound.value, up=True),
        bound.axis.name,
        "–" if error is None else significant(error, up=True),
        "" if measured is None else significant(measured),
        verdict(bound),
    )


def header(report: Report) -> list[str]:
    """Name, sizes, confidence, references, measured error, and what is best."""
    q = report.quantities
    sizes = [f"n = {q['n']:.0f} labels", f"K = {q['K']:.0f}", f"d = {q['d']:.0f}", f"B = {q['B']:g}"]
    if "m" in q:
        sizes.insert(1, f"m = {q['m']:.0f} pairs")
    level = "simultaneously" if report.simultaneous else "each bound by itself"
    lines = [
        f"bounds report · {report.name}",
        f"{'   '.join(sizes)}   δ = {report.delta:g} ({level})",
        f"vacuous from: loss {significant(q['trivial_loss'])}, error rate {significant(q['trivial_error'])}"
        " (best constant predictor on the labels)",
    ]
    if report.test_error is not None:
        lines.append(
            f"measured on {q.get('N_measured', q['N']):.0f} test items: "
            f"error rate {significant(report.test_error)} (head W_S)"
        )
    lines += leaks(report)
    return [*lines, best_line(report)]


def leaks(report: Report) -> list[str]:
    """What was found about copies in the data, a sentence each."""
    notes = [note for name in ("test_set", "held_out") if name in report for note in report[name].notes]
    return [note for note in dict.fromkeys(notes) if "copies of" in note or "repeat another" in note]


def best_line(report: Report) -> str:
    """What the report recommends, and how the choice was paid for."""
    if report.best is None:
        return "best certificate: none (no bound has all its assumptions; see below)"
    error = report.best.error_rate
    shown = "–" if error is None else significant(error, up=True)
    paid = f"δ = {report.delta:g} shared over {len(report.candidates)} candidates before the data"
    trivial = " — vacuous" if report.best.vacuous_error else ""
    return f"best certificate: {report.best.name}, error rate ≤ {shown}{trivial} ({paid})"


def summary(report: Report) -> str:
    """Header, table, assumptions, and what does not apply."""
    lines = [*header(report), "", *_table(COLUMNS, [row(report, bound) for bound in report])]
    lines += ["", "assumptions"]
    used = {name for bound in report for name in bound.assumptions}
    for one in report.assumptions.values():
        if one.name in used:
            lines.append(f"  {one.name:<10}{one.status:<14}{one.reason}")
            if one.test is not None and not one.test.refuted:
                lines.append(f"  {'':<24}{one.test}")
    if report.notes:
        lines += ["", "notes on the data", *(f"  {note}" for note in report.notes)]
    if contradictions := {bound.name: bound.contradiction for bound in report if bound.contradiction}:
        lines += ["", "contradictions (withheld)"]
        lines += [f"  {name}: {reason}" for name, reason in contradictions.items()]
    if report.not_applicable:
        lines += ["", "not applicable"]
        lines += [f"  {name}: {reason}" for name, reason in report.not_applicable.items()]
    return "\n".join(lines)


def full(report: Report) -> str:
    """The summary, then every bound term by term."""
    return "\n\n".join([summary(report), *(terms(bound) for bound in report)])


def terms(bound: Bound) -> str:
    """One bound: statement, terms with meaning, notes."""
    unit = "squared loss, the bound is the root of the sum" if bound.combine == "root" else bound.axis.unit
    lines = [f"{bound.name} · {bound.title}", f"  {bound.about}; terms in {unit}"]
    for term in bound.terms.values():
        lines.append(f"  {term.name:<28}{significant(term.value):>12}   {term.meaning}")
        lines += [f"    {name:<26}{significant(value):>12}" for name, value in term.parts.items()]
    error = "" if bound.error_rate is None else f"   error rate ≤ {significant(bound.error_rate, up=True)}"
    lines.append(
        f"  {'bound':<28}{significant(bound.value, up=True):>12}   δ = {bound.delta:g}{error}; {verdict(bound)}"
    )
    lines += [
        f"    {name:<26}"
        + "   ".join(f"{key} {significant(value, up=key == 'error')}" for key, value in row.items())
        for name, row in bound.table.items()
    ]
    if bound.contradiction is not None:
        lines.append(f"  withheld: {bound.contradiction}")
    lines += [f"  note: {note}" for note in bound.notes]
    return "\n".join(lines)


def latex_table(report: Report) -> str:
    """A booktabs table."""
    body = [
        " & ".join(
            [
                rf"\texttt{{{bound.name.replace('_', chr(92) + '_')}}}",
                significant(bound.value, up=True),
                bound.axis.name,
                "--" if bound.error_rate is None else significant(bound.error_rate, up=True),
                _measured(report, bound),
                _latex_verdict(bound),
            ]
        )
        + r" \\"
        for bound in report
    ]
    return "\n".join(
        [
            rf"% {report.name}; delta = {report.delta:g}; vacuous from loss {report.quantities['trivial_loss']:.4g}",
            r"\begin{tabular}{lrlrrl}",
            r"\toprule",
            r"bound & value & axis & error $\le$ & measured & verdict \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _measured(report: Report, bound: Bound) -> str:
    value = report.measured_for(bound)
    return "" if value is None else significant(value)


def _latex_verdict(bound: Bound) -> str:
    return verdict(bound).replace("A1'", "A1$'$").replace("_", r"\_")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[j]) for line in (columns, *rows)) for j in range(len(columns))]
    numeric = {1, 3, 4}

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(widths[j]) if j in numeric else cell.ljust(widths[j]) for j, cell in enumerate(cells)
        ]
        return "  ".join(aligned).rstrip()

    return [line(columns), "  ".join("─" * width for width in widths), *(line(one) for one in rows)]
