"""The report as HTML: the same rows as the text, escaped, in one self-contained page."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

from bounds.report.format import significant
from bounds.report.text import COLUMNS, header, row
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bounds.report.comparison import Comparison
    from bounds.report.report import Report

STYLE = """
.bounds { font: 14px/1.45 system-ui, sans-serif; color: #1b1f24; max-width: 72rem; }
.bounds table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
.bounds th, .bounds td { padding: .25rem .7rem; text-align: left; border-bottom: 1px solid #dfe3e8; }
.bounds td.number, .bounds th.number { text-align: right; }
.bounds .yes { color: #00614a; } .bounds .no { color: #9a3b00; }
.bounds code { font-size: 12px; color: #57606a; overflow-wrap: anywhere; }
.bounds summary { cursor: pointer; padding: .2rem 0; } .bounds .best { font-weight: 600; }
.bounds img { max-width: 100%; }
"""


def body(report: Report) -> str:
    """A fragment for notebooks."""
    lines = header(report)
    parts = [f"<style>{STYLE}</style>", '<div class="bounds">', f"<h3>{escape(lines[0])}</h3>"]
    parts += [f"<div>{escape(line)}</div>" for line in lines[1:-1]]
    parts += [f'<div class="best">{escape(lines[-1])}</div>', _summary_table(report)]
    parts += [_details(bound) for bound in report]
    parts.append(_assumptions(report))
    if report.not_applicable:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(reason)}</td></tr>"
            for name, reason in report.not_applicable.items()
        )
        parts.append(f"<details><summary>not applicable</summary><table>{rows}</table></details>")
    return "\n".join([*parts, "</div>"])


def page(report: Report) -> str:
    """A whole page with the figure embedded."""
    return _document(report.name, [body(report), _image(report.plot()), _records(report)])


def comparison_page(comparison: Comparison) -> str:
    """A whole page with the common figure first, then every report."""
    parts = [_image(comparison.plot())]
    for report in comparison.reports.values():
        parts += [body(report), _records(report)]
    return _document(" and ".join(comparison.reports), parts)


def _document(title: str, parts: list[str]) -> str:
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · bounds</title></head>'
    return "\n".join([head, "<body>", *parts, "</body></html>"])


def _image(figure: Figure) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", bbox_inches="tight")
    data = base64.b64encode(stream.getvalue()).decode()
    return f'<div class="bounds"><img alt="bounds term by term" src="data:image/svg+xml;base64,{data}"></div>'


def _records(report: Report) -> str:
    quantities = "".join(
        f'<tr><td>{escape(name)}</td><td class="number">{significant(value, 6)}</td></tr>'
        for name, value in report.quantities.items()
    )
    provenance = "".join(
        f"<tr><td>{escape(str(key))}</td><td><code>{escape(str(value))}</code></td></tr>"
        for key, value in report.provenance.items()
    )
    return (
        f'<div class="bounds"><details><summary>quantities</summary><table>{quantities}</table></details>'
        f"<details><summary>provenance</summary><table>{provenance}</table></details></div>"
    )


def _summary_table(report: Report) -> str:
    kinds = ["", "number", "", "number", "number", ""]
    head = "".join(f'<th class="{kind}">{escape(one)}</th>' for kind, one in zip(kinds, COLUMNS, strict=True))
    rows = []
    for bound in report:
        status = "yes" if bound.certified else "no"
        cells = "".join(
            f'<td class="{kind} {status if j == 5 else ""}">{escape(cell)}</td>'
            for j, (kind, cell) in enumerate(zip(kinds, row(report, bound), strict=True))
        )
        rows.append(f"<tr>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _details(bound: Bound) -> str:
    rows = []
    for term in bound.terms.values():
        rows.append(
            f'<tr><td>{escape(term.name)}</td><td class="number">{significant(term.value)}</td>'
            f"<td>{escape(term.meaning)}<br><code>{escape(term.latex)}</code></td>"
            f"<td>{escape(term.lowered_by)}</td></tr>"
        )
        rows += [
            f'<tr><td>&emsp;{escape(name)}</td><td class="number">{significant(value)}</td><td></td><td></td></tr>'
            for name, value in term.parts.items()
        ]
    unit = "squared loss; the bound is the root of the sum" if bound.combine == "root" else bound.axis.unit
    notes = "".join(f"<div>note: {escape(note)}</div>" for note in bound.notes)
    return (
        f"<details><summary><b>{escape(bound.name)}</b> {significant(bound.value, up=True)} · "
        f"{escape(bound.title)}</summary><div>{escape(bound.about)}; {escape(unit)}; δ = {bound.delta:g}</div>"
        f'<table><tr><th>term</th><th class="number">value</th><th>meaning</th><th>lowered by</th></tr>'
        f"{''.join(rows)}</table>{_table_of(bound)}{notes}<div>{escape(bound.source)}</div></details>"
    )


def _table_of(bound: Bound) -> str:
    """The limits that hold together with the bound."""
    if not bound.table:
        return ""
    columns = list(dict.fromkeys(key for row in bound.table.values() for key in row))
    head = "".join(f'<th class="number">{escape(key)}</th>' for key in columns)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(
            f'<td class="number">{significant(row[key], up=key == "error") if key in row else ""}</td>'
            for key in columns
        )
        + "</tr>"
        for name, row in bound.table.items()
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _assumptions(report: Report) -> str:
    rows = "".join(
        f'<tr><td>{escape(one.name)}</td><td class="{"yes" if one.holds else "no"}">{one.status}</td>'
        f"<td>{escape(one.title)}</td><td>{escape(one.reason)}</td></tr>"
        for one in report.assumptions.values()
    )
    return f"<details open><summary>assumptions</summary><table>{rows}</table></details>"
