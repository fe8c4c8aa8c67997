"""A4: ‖f‖ ≤ B with B fixed before the data; by construction after normalisation, else only ever refuted."""

from __future__ import annotations

from collections.abc import Callable

from bounds.assumptions.assumption import Assumption
from bounds.representations.normalization import Normalization


def boundedness(normalization: Normalization, largest: Callable[[], float]) -> Assumption:
    """A4: by construction after normalisation, otherwise only ever refuted by the data."""
    radius = normalization.radius
    if normalization.kind is not None:
        return Assumption("A4", "holds", f"by construction: normalize={normalization.kind!r}, B = {radius:g}")
    seen = largest()
    if seen > radius:
        return Assumption("A4", "violated", f"a representation of norm {seen:.6g} exceeds B = {radius:g}")
    return Assumption(
        "A4", "unverifiable", f"no norm above B = {radius:g} was seen; use normalize='clip' to be sure"
    )
