"""The report as a LaTeX table, by family."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from bounds.report.families import Family
from bounds.report.format import short
from bounds.report.text import error_cell, measured_cell, state, value_cell
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from bounds.report.report import Report

_SPECIAL = {one: f"\\{one}" for one in "&%#_{}$"} | {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "…": r"\ldots{}",
    "≤": r"$\le$",
    "λ": r"$\lambda$",
    "δ": r"$\delta$",
    "′": r"$'$",
    "−": r"$-$",
    "∞": r"$\infty$",
}
_HEAD = r"bound & error $\le$ & value & axis & measured & verdict \\"


def escape(text: str) -> str:
    """Plain text inside LaTeX: nothing in it is a command; characters that pdfLaTeX lacks become a question mark."""
    return "".join(_SPECIAL.get(one) or _plain(one) for one in text)


def table(report: Report) -> str:
    """A booktabs table, a block of rows a family; needs the package booktabs."""
    lines = [
        f"% {_comment(report.name)}; delta = {report.delta:g}",
        f"% {_comment(report.verdict.answer)}",
        r"\begin{tabular}{lrrlrl}",
        r"\toprule",
        _HEAD,
    ]
    for one in report.verdict.families:
        lines += [r"\midrule", *_family(report, one)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _family(report: Report, one: Family) -> list[str]:
    head = rf"\multicolumn{{6}}{{l}}{{\emph{{{escape(one.title)}: {escape(one.about)}}}}} \\"
    return [head, *(" & ".join(_row(report, bound)) + r" \\" for bound in one.bounds)]


def _row(report: Report, bound: Bound) -> list[str]:
    name = rf"\texttt{{{escape(short(bound.name, 60))}}}"
    cells = (
        error_cell(bound),
        value_cell(bound),
        bound.axis.name,
        measured_cell(report, bound),
        state(bound),
    )
    return [name, *(escape(cell) for cell in cells)]


def _comment(text: str) -> str:
    """On one line: what a line break could end would be read as LaTeX."""
    return "".join(_plain(one) if one != "%" else "percent" for one in " ".join(text.split()))


def _plain(one: str) -> str:
    if one.isascii():
        return one if one.isprintable() else " "
    return one if unicodedata.category(one)[0] in "LN" and one < "\u0250" else "?"
