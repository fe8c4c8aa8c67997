"""Limit of the error of a head made from the items that it picks out of a sample."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bounds.errors import InvalidStatistics
from bounds.summaries.limits import check_level

_ROUNDING = 1e-9  # of the logarithm of the sum
_SUMMED = 2**18  # terms up to which each is added


def picked_limit(picks: int, count: int, delta: float) -> float:
    r"""The limit ε(k, N, δ) = 1 − t, rounded up.

    Here t in (0, 1) solves

    .. math:: \frac\delta N\sum_{m=k}^{N-1}\frac{\binom mk}{\binom Nk}\,t^{-(N-m)} = 1, \qquad \varepsilon(N,N,\delta)=1.

    Args:
        picks: k, items picked.
        count: N, items picked from.
        delta: Failure probability.

    Raises:
        InvalidStatistics: unless 0 ≤ k ≤ N, N ≥ 1 and δ in (0, 1).

    Source: Campi and Garatti (2023), Thm 1, for a head that errs only where it would pick.
    """
    check_level(delta)
    if count < 1 or not 0 <= picks <= count:
        raise InvalidStatistics(f"Of {count} items {picks} cannot have been picked.")
    if picks == count:
        return 1.0
    terms = _all_terms if count - picks <= _SUMMED else _fewer_terms
    slack = _ROUNDING + 4 * 2.0**-52 * count * math.log(count + 1)
    target = math.log(count / delta) + slack

    low, high = 0.0, 1.0
    while high - low > 1e-13:
        t = 0.5 * (low + high)
        logs = terms(picks, count, t)
        largest = float(logs.max())
        # The sum is surely at least one: the root lies at t or above.
        reached = largest + math.log(float(np.exp(logs - largest).sum())) >= target
        low, high = (t, high) if reached else (low, t)
    return 1.0 - low


def _log_terms(m: NDArray[np.float64], picks: int, count: int, t: float) -> NDArray[np.float64]:
    """Logarithms of C(m, k)/C(N, k)·t^{−(N−m)}."""
    from scipy.special import gammaln

    choose = gammaln(m + 1) - gammaln(m - picks + 1) - gammaln(count + 1) + gammaln(count - picks + 1)
    found: NDArray[np.float64] = choose - (count - m) * math.log(t)
    return found


def _all_terms(picks: int, count: int, t: float) -> NDArray[np.float64]:
    return _log_terms(np.arange(picks, count, dtype=np.float64), picks, count, t)


def _fewer_terms(picks: int, count: int, t: float) -> NDArray[np.float64]:
    """From below: terms rise to one place and fall after it, so a block holds at least its size times its smaller end."""
    peak, width = picks / (1 - t), 12 * math.sqrt(picks + 1) / (1 - t) + 100
    ends = np.linspace(max(picks, peak - width), min(count - 1, peak + width), 4097)
    if not ends[0] < ends[-1]:
        ends = np.linspace(max(picks, count - 1 - width), count - 1, 4097)
    ends = np.unique(np.round(ends))
    logs = _log_terms(ends, picks, count, t)
    blocks: NDArray[np.float64] = np.minimum(logs[1:], logs[:-1]) + np.log(np.diff(ends))
    return blocks
