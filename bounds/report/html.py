"""The report as HTML: one self-contained page by templates that escape whatever they are given."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bounds.report import text
from bounds.report.families import families
from bounds.report.format import percent, significant
from bounds.report.ledger import ledger
from bounds.report.mathml import formula
from bounds.report.verdict import measured
from bounds.theorems.bound import Bound, Term

if TYPE_CHECKING:
    from bounds.report.comparison import Comparison
    from bounds.report.report import Report

TEMPLATES = Path(__file__).parent / "templates"


def body(report: Report) -> str:
    """A fragment for notebooks."""
    return _templates().get_template("fragment.html.j2").render(report=report)


def page(report: Report) -> str:
    """A whole page."""
    return _page([report], [report.name])


def comparison_page(comparison: Comparison) -> str:
    """A whole page: the encoders side by side, bound by bound, then every report."""
    return _page(
        list(comparison.reports.values()),
        list(comparison.reports),
        comparison=comparison,
        ledger=ledger(list(comparison)),
        comparison_rows=list(_comparison_rows(comparison)),
    )


def _page(reports: list[Report], names: list[str], **more: Any) -> str:
    known = {"comparison": None, "ledger": None, "comparison_rows": [], **more}
    template = _templates().get_template("page.html.j2")
    return template.render(reports=reports, names=names, page_title=" and ".join(names), **known)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (TEMPLATES / "script.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    made.globals |= {
        "style": Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        "script_hash": f"sha256-{digest}",
        "legend": text.LEGEND,
        "formula": formula,
        "significant": significant,
        "percent": percent,
        "measured_of": measured,
        "share": _share,
        "part": _part,
        "columns": _columns,
        "axes": _axes,
    }
    for shown in (
        text.title,
        text.measured_line,
        text.basis,
        text.state,
        text.error_cell,
        text.value_cell,
        text.measured_cell,
        text.limit,
    ):
        made.globals[shown.__name__] = shown
    return made


def _share(rate: float) -> str:
    """A place on the scale from 0 to 1, in percent; what lies beyond stands at its end."""
    return f"{100 * min(max(rate, 0.0), 1.0):.2f}"


def _part(bound: Bound, term: Term) -> str:
    """Share of a term in the sum of all, in percent."""
    total = sum(max(one.value, 0.0) for one in bound.terms.values())
    return _share(term.value / total if total > 0 else 0.0)


def _columns(bound: Bound) -> list[str]:
    return list(dict.fromkeys(key for row in bound.table.values() for key in row))


def _axes(report: Report) -> list[str]:
    return sorted({bound.axis.name for bound in report})


def _comparison_rows(
    comparison: Comparison,
) -> Iterator[tuple[str, list[tuple[str, str, list[Bound | None]]]]]:
    first: dict[str, Bound] = {}
    for report in comparison.reports.values():
        first = {**{bound.name: bound for bound in report}, **first}
    for one in families(_in_order(first, comparison)):
        rows = [
            (
                bound.name,
                bound.axis.name,
                [report.bounds.get(bound.name) for report in comparison.reports.values()],
            )
            for bound in one.bounds
        ]
        yield one.title, rows


def _in_order(first: dict[str, Bound], comparison: Comparison) -> Iterable[Bound]:
    names = dict.fromkeys(bound.name for report in comparison.reports.values() for bound in report)
    return [first[name] for name in names]
