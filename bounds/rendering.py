"""Where what is shown meets what shows it: reports and derivations are data and do not know their renderers."""

from __future__ import annotations

import importlib
from typing import Any


def rendered(renderer: str, subject: Any, *more: Any) -> Any:
    """The subject as text, a page or a figure.

    Args:
        renderer: "room.module:function", loaded on first use.
        subject: What the function takes: a report, a comparison, a derivation.
        more: Its further arguments.
    """
    module, function = renderer.split(":")
    return getattr(importlib.import_module(f"bounds.{module}"), function)(subject, *more)
