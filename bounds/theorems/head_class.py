"""The grid of head radii β_j = 2^j with weights that sum to at most one."""

from __future__ import annotations

import math

from bounds.heads.linear import Head

SMALLEST = -20


def radius_index(norm: float, per_octave: int = 1) -> dict[str, float]:
    """The j of the smallest radius 2^{j/per_octave} ≥ norm, from 2^−20 on."""
    return {"radius_index": _index(norm, per_octave)}


def grid_radius(norm: float, per_octave: int = 1) -> dict[str, float]:
    """Smallest β_j = 2^{j/per_octave} ≥ norm and its weight; over all integers j the weights sum to one."""
    j = _index(norm, per_octave)
    return {"beta": 2.0 ** (j / per_octave), "weight_j": 1.0 / ((math.pi**2 / 3 - 1) * (abs(j) + 1) ** 2)}


def head_radius(head: Head) -> dict[str, float]:
    """Smallest β_j = 2^j ≥ ‖W‖_F with j ≥ −20, and its weight w_j = 1/((π²/3 − 1)(|j| + 1)²)."""
    return grid_radius(head.frobenius_norm)


def _index(norm: float, per_octave: int) -> int:
    smallest = SMALLEST * per_octave
    j = max(smallest, math.floor(per_octave * math.log2(norm)) - 1) if norm > 0 else smallest
    while 2.0 ** (j / per_octave) < norm:
        j += 1
    return j
