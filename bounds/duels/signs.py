"""Which of two predictors errs less, from the signs of their disagreements: as labels come, and at a fixed size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bounds.errors import InvalidStatistics
from bounds.summaries.limits import check_level

Floats = NDArray[np.float64]
_ROUNDING = 1e-9  # of a logarithm of an e-value
_LONGEST = 10**7  # signs beyond which no decision is looked for


def log_sign_e_value(plus: ArrayLike, minus: ArrayLike) -> Floats:
    r"""Logarithm of the wealth of bets that + is the commoner sign, after n₊ and n₋ signs.

    .. math:: E^+ = \int_{1/2}^1 2\,(2q)^{n_+}(2(1-q))^{n_-}\,dq
        = 2^{n+1} B(n_+ + 1, n_- + 1)\,P(\mathrm{Beta}(n_+ + 1, n_- + 1) \ge \tfrac12),\quad n = n_+ + n_-.

    Where signs are i.i.d. with P(+) ≤ ½ it is a non-negative supermartingale that starts at one: it ever reaches c with
    probability at most 1/c (Ville).

    Args:
        plus, minus: Counts, of any common shape.

    Source: this package; a uniform mixture of likelihood ratios, after Ville (1939) and Robbins (1970).
    """
    from scipy.special import betainc, betaln

    a, b = (np.asarray(counts, dtype=np.float64) for counts in (plus, minus))
    with np.errstate(divide="ignore"):
        upper = np.log(betainc(b + 1, a + 1, 0.5))
    found: Floats = (a + b + 1) * math.log(2.0) + betaln(a + 1, b + 1) + upper
    return found


def reaches(log_e_value: ArrayLike, level: float) -> bool:
    """Whether a wealth surely reaches 1/level, despite rounding; the largest of a course counts."""
    largest = float(np.max(np.asarray(log_e_value), initial=-math.inf))
    return largest >= math.log(1.0 / level) + _ROUNDING


def sign_p_value(plus: int, minus: int) -> float:
    """P(Bin(n₊ + n₋, ½) ≥ n₊): the exact one-sided p-value that + is not the commoner sign, for sizes fixed beforehand.

    The smaller of both directions, doubled, is the exact test of McNemar.

    Args:
        plus, minus: The counts n₊ and n₋.

    Raises:
        InvalidStatistics: a negative count.

    Source: McNemar (1947), in its exact form.

    Example:
        >>> from bounds.duels import sign_p_value
        >>> sign_p_value(plus=5, minus=0)  # 2⁻⁵
        0.03125
    """
    from scipy.stats import binom

    if plus < 0 or minus < 0:
        raise InvalidStatistics(f"Signs are counted from zero, got {plus} and {minus}.")
    return float(binom.sf(plus - 1, plus + minus, 0.5)) if plus else 1.0


def mcnemar_p_value(plus: int, minus: int) -> float:
    """The exact two-sided p-value that both signs are equally common, min(1, 2·smaller tail).

    Args:
        plus, minus: The counts n₊ and n₋.

    Example:
        >>> from bounds.duels import mcnemar_p_value
        >>> mcnemar_p_value(plus=5, minus=0)  # 2 · 2⁻⁵
        0.0625
    """
    return min(1.0, 2.0 * min(sign_p_value(plus, minus), sign_p_value(minus, plus)))


def holm(p_values: Floats) -> Floats:
    """P-values (M,) that pay for all M being looked at: the i-th smallest times M − i + 1, never below a smaller one.

    Source: Holm (1979).
    """
    order = np.argsort(p_values, kind="stable")
    raised = np.maximum.accumulate(p_values[order] * (len(order) - np.arange(len(order))))
    found = np.empty(len(order))
    found[order] = np.minimum(raised, 1.0)
    return found


def fixed_size(q: float, level: float, power: float = 0.8) -> int:
    """The smallest number n of signs whose one-sided test at `level` has the power, where P(+) = q.

    The power of an exact test is no monotone function of n: from this n on it need not hold for each larger one.

    Raises:
        InvalidStatistics: q outside (½, 1], level or power outside (0, 1).
    """
    from scipy.stats import binom

    check_level(level)
    check_level(power)
    if not 0.5 < q <= 1.0:
        raise InvalidStatistics(f"`q` must lie in (1/2, 1], got {q}.")
    first = 1
    while first < _LONGEST:
        n = np.arange(first, 2 * first)
        needed = binom.isf(level, n, 0.5) + 1  # the smallest count whose tail is at most the level
        enough = np.flatnonzero(binom.sf(needed - 1, n, q) >= power)
        if len(enough):
            return int(n[enough[0]])
        first *= 2
    raise InvalidStatistics(f"At q = {q} more than {_LONGEST:,} signs are needed.")


def signs_needed(plus: int, minus: int, level: float) -> int | None:
    """About how many more signs until the wealth of the leading sign reaches 1/level, at the rate seen so far.

    The rate is (n₊ + 1)/(n + 2) of the leading sign; None where neither leads or it takes more than 10⁷. An estimate.
    """
    lead, rest = max(plus, minus), min(plus, minus)
    if lead == rest:
        return None
    q = (lead + 1) / (lead + rest + 2)

    def reached(more: int) -> bool:
        return reaches(log_sign_e_value(lead + q * more, rest + (1 - q) * more), level)

    low, high = -1, 1
    while not reached(high if low >= 0 else 0):
        low, high = (0, 1) if low < 0 else (high, 2 * high)
        if high > _LONGEST:
            return None
    if low < 0:
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
