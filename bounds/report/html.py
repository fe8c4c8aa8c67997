"""The report as HTML: one self-contained page by templates that escape whatever they are given."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bounds.derivations.printing import latex_of
from bounds.derivations.steps import Derivation
from bounds.proofs.typeset import latex
from bounds.report import text
from bounds.report.format import count, percent, short, significant
from bounds.report.ledger import ledger
from bounds.report.mathml import formula
from bounds.report.reading import measured
from bounds.theorems.bound import Bound, Term

if TYPE_CHECKING:
    from bounds.report.comparison import Comparison
    from bounds.report.report import Report

TEMPLATES = Path(__file__).parent / "templates"


def body(report: Report) -> str:
    """A fragment for notebooks."""
    return _rendered("fragment.html.j2", {report.name: report})


def page(report: Report) -> str:
    """A whole page."""
    return _rendered("page.html.j2", {report.name: report})


def comparison_page(comparison: Comparison) -> str:
    """A whole page: the encoders side by side, bound by bound, then every report."""
    return _rendered("page.html.j2", comparison.reports, comparison)


def comparison_body(comparison: Comparison) -> str:
    """The same for notebooks."""
    return _rendered("fragment.html.j2", comparison.reports, comparison)


def proof(derivation: Derivation) -> str:
    """A proof for notebooks: a line a step, its reasons and its check folded."""
    how = "the square root of the sum" if derivation.expression.combine == "root" else "the sum"
    return (
        _templates()
        .get_template("proof.html.j2")
        .render(
            proof=derivation,
            failure=latex_of(derivation.failure),
            how=f"{'minus ' * derivation.lower}{how} of the terms",
            latex_of=latex,
        )
    )


def _rendered(template: str, reports: Mapping[str, Report], comparison: Comparison | None = None) -> str:
    return (
        _templates()
        .get_template(template)
        .render(
            reports=reports,
            comparison=comparison,
            ledger=None if comparison is None else ledger(list(comparison)),
        )
    )


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
        "limits": text.LIMITS,
        "paired_says": text.PAIRED,
        "paired_columns": text.PAIRED_COLUMNS,
        "formula": formula,
        "significant": significant,
        "percent": percent,
        "count": count,
        "measured_of": measured,
        "share": _share,
        "part": _part,
        "columns": _columns,
        "axes": _axes,
        "anchor": _anchor,
    }
    for shown in (
        text.title,
        text.measured_line,
        text.basis,
        text.state,
        text.error_cell,
        text.value_cell,
        text.otherwise,
        short,
        text.measured_cell,
        text.limit,
        text.paired_rows,
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


def _anchor(name: str) -> str:
    """A name as part of an id: what is no word keeps a digest of it."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)[:40]
    return plain if plain == name else f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
