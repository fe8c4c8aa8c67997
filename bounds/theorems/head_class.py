"""The grid of head radii β_j = 2^j with weights that sum to at most one (theory §2)."""

from __future__ import annotations

import math

from bounds.statistics.heads import Head

SMALLEST = -20


def head_radius(head: Head) -> dict[str, float]:
    """Smallest β_j ≥ ‖W‖_F on the grid, and its weight w_j = 1/((π²/3 − 1)(|j| + 1)²)."""
    norm = head.frobenius_norm
    mantissa, exponent = math.frexp(norm)
    j = max(SMALLEST, exponent - 1 if mantissa == 0.5 else exponent) if norm > 0 else SMALLEST
    return {"beta": 2.0**j, "weight_j": 1.0 / ((math.pi**2 / 3 - 1) * (abs(j) + 1) ** 2)}
