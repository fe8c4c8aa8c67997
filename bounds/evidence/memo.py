"""Summaries that several theorems share, computed once per evidence and kept as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from bounds.evidence.evidence import Evidence

T = TypeVar("T")


def memo(evidence: Evidence, key: Hashable, make: Callable[[], T]) -> T:
    """The value of `make()`, remembered on the evidence under `key`, beside its own cached properties."""
    kept: dict[Hashable, T] = evidence.__dict__.setdefault("_memo", {})
    if key not in kept:
        kept[key] = evidence.remembered(key, make)
    return kept[key]
