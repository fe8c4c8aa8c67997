"""The certificate lab for self-supervised learning: bounds.evaluate(checkpoint, labeled, unlabeled)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bounds.certificate import Report as Report
    from bounds.certificate import compare as compare
    from bounds.certificate import evaluate as evaluate
    from bounds.theorems import Bound as Bound

# Loaded on first use, so that `import bounds` costs no more than torch.
_HOME = {
    "evaluate": "bounds.certificate",
    "compare": "bounds.certificate",
    "Report": "bounds.certificate",
    "Bound": "bounds.theorems",
    "Theorem": "bounds.theorems",
    "load_encoder": "bounds.representations.checkpoints",
    "save_encoder": "bounds.representations.checkpoints",
}
_MODULES = ("errors", "objectives", "theorems", "complexity", "information", "representations")

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"bounds.{name}")
    raise AttributeError(f"module 'bounds' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
