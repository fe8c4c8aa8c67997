"""Reusable steps: the inequalities of the proofs, each with its check; a file is imported when a check first needs it."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
