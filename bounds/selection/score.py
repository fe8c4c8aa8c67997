"""Measures as scores: what a larger one is worth, by the paper that proposes it."""

from __future__ import annotations

import math

from bounds.arguments import unknown
from bounds.information.describe import Description

# +1: larger is better; -1: smaller is better.
LARGER_IS_BETTER: dict[str, int] = {
    "rank_me": 1,
    "stable_rank": 1,
    "effective_rank": 1,
    "participation_ratio": 1,
    "ne_sum": 1,
    "alpha_req_from_1": -1,
    "logdet_entropy": 1,
    "lidar": 1,
    "self_cluster": -1,
    "coherence": -1,
    "uniformity": -1,
    "alignment": -1,
    "vicreg_invariance": -1,
    "vicreg_variance": -1,
    "vicreg_covariance": -1,
    "swap_effect": 1,
}


def value(found: Description, measure: str) -> float:
    """The measure of one encoder; NaN where it does not apply. `alpha_req_from_1` is |α − 1|.

    Raises:
        InvalidOption: not one of the measures of `LARGER_IS_BETTER`.
    """
    if measure not in LARGER_IS_BETTER:
        raise unknown("`measure`", measure, LARGER_IS_BETTER)
    return abs(found["alpha_req"] - 1) if measure == "alpha_req_from_1" else found[measure]


def rank(values: dict[str, float], measure: str) -> list[str]:
    """Names from the best to the worst; encoders without a value (collapsed ones) come last."""
    way = LARGER_IS_BETTER[measure]
    return sorted(
        values, key=lambda name: -math.inf if math.isnan(values[name]) else way * values[name], reverse=True
    )
