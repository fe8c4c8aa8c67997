"""Limits that hold at every number of labels: of a mean in [0, 1], of an error rate, and of a margin."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bounds.duels.signs import Floats, reaches
from bounds.errors import InvalidStatistics
from bounds.summaries.limits import check_level

STAKES = (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03)
_PRECISION = 1e-10


def mean_upper_sequence(values: Floats, delta: float) -> float:
    r"""Upper limit of the mean p of i.i.d. values in [0, 1], (n,) in the order they came; valid at any stopping time.

    .. math:: E_t(p) = \frac1{|C|}\sum_{c\in C}\prod_{i\le t}\Big(1+c\,\frac{p-H_i}{1-p}\Big),\qquad
        U = \min\{p : \max_{t\le n}E_t(p)\ge1/\delta\},\quad C = \{1, ½, ¼, ⅛, 1/16, .03\}.

    At the true mean E_t is a non-negative martingale that starts at one (Ville); E_t rises with p. 1 where no p < 1 is
    refuted.

    Raises:
        InvalidStatistics: values outside [0, 1], or δ outside (0, 1).

    Source: this package; after Waudby-Smith and Ramdas (2024).
    """
    check_level(delta)
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or (x.size and not (x.min() >= 0.0 and x.max() <= 1.0)):
        raise InvalidStatistics("A sequence of values in [0, 1] is needed, (n,).")
    if not x.size:
        return 1.0

    def refuted(p: float) -> bool:
        total = np.full(len(x), -math.inf)
        for stake in STAKES:
            with np.errstate(divide="ignore"):
                total = np.logaddexp(total, _course(np.maximum(stake * (p - x) / (1.0 - p), -1.0)))
        return reaches(total - math.log(len(STAKES)), delta)

    return _smallest(refuted, 0.0)


def log_margin_e_values(outcomes: Floats, margin: float) -> Floats:
    r"""Logarithms of E_t = mean over λ of Π_{i≤t}(1 + λ(o_i + margin)), λ = .999c/(1 − margin), c in `STAKES`, (n,).

    Where outcomes o in [−1, 1] have mean at most −margin it is a non-negative supermartingale.

    Raises:
        InvalidStatistics: a margin outside (0, 1).

    Source: this package.
    """
    if not 0.0 < margin < 1.0:
        raise InvalidStatistics(f"`margin` must lie strictly between 0 and 1, got {margin}.")
    total = np.full(len(outcomes), -math.inf)
    for stake in STAKES:
        total = np.logaddexp(total, _course(0.999 * stake / (1.0 - margin) * (outcomes + margin)))
    return total - math.log(len(STAKES))


def log_below_e_value(wrong: NDArray[np.float64], right: NDArray[np.float64], target: float) -> Floats:
    r"""Logarithm of the wealth of bets that the error rate is below a target t, after k mistakes among n items.

    .. math:: E_n = \frac1t\int_0^t\Big(\frac qt\Big)^k\Big(\frac{1-q}{1-t}\Big)^{n-k}dq.

    Where items are i.i.d. with P(mistake) ≥ t it is a non-negative supermartingale. Of the mirror image, with right for
    wrong and 1 − t for t: that the error rate is above t.

    Source: this package; a uniform mixture of likelihood ratios, after Ville (1939) and Robbins (1970).
    """
    from scipy.special import betainc, betaln

    k, rest = (np.asarray(counts, dtype=np.float64) for counts in (wrong, right))
    with np.errstate(divide="ignore"):
        part = np.log(betainc(k + 1, rest + 1, target))
    found: Floats = part + betaln(k + 1, rest + 1) - (k + 1) * math.log(target) - rest * math.log1p(-target)
    return found


def error_upper_sequence(wrong: Floats, delta: float) -> float:
    """Upper limit of an error rate from mistakes 0/1 in the order they came, (n,); valid at any stopping time.

    The smallest t from which on `log_below_e_value` has reached 1/δ. Where the wealth is at least e it rises with t.

    Raises:
        InvalidStatistics: δ outside (0, 1).
    """
    check_level(delta)
    if not len(wrong):
        return 1.0
    k = np.cumsum(wrong, dtype=np.float64)
    right = np.arange(1, len(k) + 1) - k
    return _smallest(lambda t: reaches(log_below_e_value(k, right, t), delta), 0.0)


def _course(gains: Floats) -> Floats:
    """Logarithms of wealth after each bet; ruin is -inf for good."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log1p(gains)
    ruined = np.isneginf(logs)
    if ruined.any():
        first = int(ruined.argmax())
        return np.concatenate([np.cumsum(logs[:first]), np.full(len(logs) - first, -math.inf)])
    return np.cumsum(logs)


def _smallest(refuted: Callable[[float], bool], low: float) -> float:
    """The smallest p in (low, 1) that is refuted, a little above; refuted stays refuted as p grows."""
    high = 1.0 - 2.0**-40
    if not refuted(high):
        return 1.0
    while high - low > _PRECISION:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if refuted(middle) else (middle, high)
    return high
