"""Formulas as MathML, which browsers draw without a script: a math renderer of Sphinx."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util import logging

from bounds.report.mathml import formula

_LOG = logging.getLogger(__name__)


def made(latex: str, block: bool = False) -> str:
    """The formula as an element; a formula that cannot be converted is a warning, hence a fault of the build."""
    found = str(formula(" ".join(latex.split())))
    if not found.startswith("<math"):
        _LOG.warning("no MathML for the formula %s", latex)
    return found.replace('display="inline"', 'display="block"', 1) if block else found


def _inline(self: Any, node: nodes.Node) -> None:
    self.body.append(made(node.astext()))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.Node) -> None:
    self.body.append(f'<div class="formula">{made(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
