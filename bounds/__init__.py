"""The certificate lab for self-supervised learning: bounds.evaluate(checkpoint, labeled, unlabeled)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bounds.version import __version__

if TYPE_CHECKING:
    from bounds.assumptions import Declared as Declared
    from bounds.assumptions import swap_test as swap_test
    from bounds.complexity import rademacher as rademacher
    from bounds.correlation import correlate as correlate
    from bounds.data.described import load_data as load_data
    from bounds.duels import Duel as Duel
    from bounds.duels import certify as certify
    from bounds.duels import duel as duel
    from bounds.duels import rank as rank
    from bounds.encoders import load_encoder as load_encoder
    from bounds.encoders import save_encoder as save_encoder
    from bounds.evaluation import compare as compare
    from bounds.evaluation import evaluate as evaluate
    from bounds.evaluation import few_shot as few_shot
    from bounds.heads import load_predictor as load_predictor
    from bounds.information import describe as describe
    from bounds.information import monitor as monitor
    from bounds.report import Comparison as Comparison
    from bounds.report import Report as Report
    from bounds.report import catalogue as catalogue
    from bounds.selection import select as select
    from bounds.sweeps import plot_sweep as plot_sweep
    from bounds.sweeps import sweep as sweep
    from bounds.theorems import Bound as Bound
    from bounds.theorems import Theorem as Theorem
    from bounds.theorems import register as register
    from bounds.theorems.derive import derive as derive
    from bounds.worlds import coverage as coverage

# Loaded on first use, so that `import bounds` costs no more than torch.
_HOME = {
    "evaluate": "evaluation",
    "few_shot": "evaluation",
    "Declared": "assumptions",
    "swap_test": "assumptions",
    "compare": "evaluation",
    "Report": "report",
    "Comparison": "report",
    "catalogue": "report",
    "Bound": "theorems",
    "Theorem": "theorems",
    "register": "theorems",
    "derive": "theorems.derive",
    "rademacher": "complexity",
    "coverage": "worlds",
    "correlate": "correlation",
    "describe": "information",
    "Duel": "duels",
    "certify": "duels",
    "duel": "duels",
    "rank": "duels",
    "load_data": "data.described",
    "monitor": "information",
    "load_encoder": "encoders",
    "load_predictor": "heads",
    "save_encoder": "encoders",
    "select": "selection",
    "sweep": "sweeps",
    "plot_sweep": "sweeps",
}
_MODULES = (
    "assumptions",
    "complexity",
    "data",
    "derivations",
    "duels",
    "encoders",
    "errors",
    "evaluation",
    "evidence",
    "heads",
    "information",
    "objectives",
    "pretraining",
    "proofs",
    "report",
    "representations",
    "selection",
    "summaries",
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
