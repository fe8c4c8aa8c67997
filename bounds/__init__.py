"""The certificate lab for self-supervised learning: bounds.evaluate(checkpoint, labeled, unlabeled)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bounds.assumptions import swap_test as swap_test
    from bounds.certificate import Comparison as Comparison
    from bounds.certificate import Report as Report
    from bounds.certificate import compare as compare
    from bounds.certificate import evaluate as evaluate
    from bounds.complexity import rademacher as rademacher
    from bounds.correlation import correlate as correlate
    from bounds.derivations import derive as derive
    from bounds.information import describe as describe
    from bounds.representations.checkpoints import load_encoder as load_encoder
    from bounds.representations.checkpoints import save_encoder as save_encoder
    from bounds.statistics.setting import Declared as Declared
    from bounds.sweeps import plot_sweep as plot_sweep
    from bounds.sweeps import sweep as sweep
    from bounds.theorems import Bound as Bound
    from bounds.theorems import Theorem as Theorem
    from bounds.theorems import register as register
    from bounds.worlds import coverage as coverage

# Loaded on first use, so that `import bounds` costs no more than torch.
_HOME = {
    "evaluate": "certificate",
    "Declared": "statistics.setting",
    "swap_test": "assumptions",
    "compare": "certificate",
    "Report": "certificate",
    "Comparison": "certificate",
    "Bound": "theorems",
    "Theorem": "theorems",
    "register": "theorems",
    "derive": "derivations",
    "rademacher": "complexity",
    "coverage": "worlds",
    "correlate": "correlation",
    "describe": "information",
    "load_encoder": "representations.checkpoints",
    "save_encoder": "representations.checkpoints",
    "sweep": "sweeps",
    "plot_sweep": "sweeps",
}
_MODULES = (
    "assumptions",
    "certificate",
    "complexity",
    "derivations",
    "errors",
    "information",
    "objectives",
    "pretraining",
    "representations",
    "statistics",
    "theorems",
    "worlds",
)

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"bounds.{_HOME[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"bounds.{name}")
    raise AttributeError(f"module 'bounds' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
