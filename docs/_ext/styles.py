"""A page loads the styles that it shows: those of notebooks and of cards weigh 100 kB together."""

from __future__ import annotations

from typing import Any

_SHOWN_BY = {"mystnb": 'class="cell', "sphinx-design": "sd-", "design-tabs": "sd-"}


def _needed(file: Any, body: str) -> bool:
    return all(mark in body for name, mark in _SHOWN_BY.items() if name in str(file.filename))


def _styles(_app: Any, _page: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    for kind in ("css_files", "script_files"):
        context[kind] = [file for file in context[kind] if _needed(file, context.get("body", ""))]


def setup(app: Any) -> dict[str, Any]:
    """After every extension has named its files."""
    app.connect("html-page-context", _styles, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
