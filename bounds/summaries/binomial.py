"""The lower tail of a binomial distribution and its inverse in logarithms, with a bound on their rounding."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_EPS = 2.0**-52
_FIRST, _MOST, _FEW = (
    64,
    2**17,
    2**12,
)  # terms of the tail summed together, in all, and beyond `SUMMED` trials
_LARGEST = 700.0  # log-odds whose exponential is a normal number
SUMMED = 2**29  # trials up to which all terms of a tail that count are summed


def deviance(x: float, mean: float, gap: float) -> float:
    """X ln(x/m) − (x − m) ≥ 0 for x ≥ 0, m > 0, where gap = x − m keeps the digits that x and m have in common.

    Source: Loader (2000), Fast and accurate computation of binomial probabilities.
    """
    if x == 0:
        return mean
    if abs(gap) >= 0.1 * (x + mean):
        quotient = (
            x / mean
        )  # the logarithm of a quotient keeps digits that a difference of two logarithms cancels
        usual = 1e-300 < quotient < 1e300
        return x * (math.log(quotient) if usual else math.log(x) - math.log(mean)) - gap
    ratio = gap / (x + mean)
    total, power = gap * ratio, 2 * x * ratio
    for odd in range(3, 40, 2):
        power *= ratio * ratio
        total += power / odd
    return total


def probabilities(log_odds: float) -> tuple[float, float]:
    """(p, 1 − p) from ln(p/(1 − p)), the smaller one without cancellation."""
    small = math.exp(-abs(log_odds))
    small, large = small / (1 + small), 1 / (1 + small)
    return (small, large) if log_odds <= 0 else (large, small)


def _stirling(n: int) -> float:
    """Ln n! − ln(√(2πn)(n/e)ⁿ) for n ≥ 1."""
    if n < 16:
        return math.lgamma(n + 1) - (n + 0.5) * math.log(n) + n - 0.5 * math.log(2 * math.pi)
    square = 1.0 / (float(n) * n)
    return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / n


def _log_term(k: int, n: int, log_odds: float) -> tuple[float, float]:
    """Ln P(Bin(n, p) = k) for k < n, and how far its rounding may lead."""
    if k == 0:
        value = -n * (max(log_odds, 0.0) + math.log1p(math.exp(-abs(log_odds))))
        return value, 4 * _EPS * abs(value)
    p, q = probabilities(log_odds)
    gap = k - n * p if log_odds <= 0 else n * q - (n - k)
    shape = _stirling(n) - _stirling(k) - _stirling(n - k) - 0.5 * math.log(2 * math.pi * k * ((n - k) / n))
    # p is right to a few eps(1 + |log-odds|), which moves the deviances by that times |gap|.
    lost = deviance(k, n * p, gap) + deviance(n - k, n * q, -gap)
    error = 64 * _EPS * (1 + abs(shape) + lost + abs(gap) * (1 + abs(log_odds)))
    return shape - lost, error


def _terms(k: int, n: int, odds: float) -> tuple[float, float, float]:
    """Σ_{i ≤ k} P(i)/P(k) from k downwards, an upper bound on what was left out, and the sum's relative rounding."""
    total, last, ratio, done, size = 1.0, 1.0, 1.0, 0, _FIRST
    most = min(k, _MOST if n <= SUMMED else _FEW)
    while done < most:
        i = np.arange(k - done, max(k - done - size, 0), -1, dtype=np.float64)
        with np.errstate(under="ignore", over="ignore"):
            ratios = i / (n - i + 1) / odds
            terms = last * np.cumprod(ratios)
        total += float(terms.sum())
        done, last, ratio, size = done + len(i), float(terms[-1]), float(ratios[-1]), 2 * size
        if ratio < 1 and last * ratio <= 0.25 * _EPS * total * (1 - ratio):
            break
    # The ratios fall, so that a geometric series bounds the rest.
    rest = 0.0 if done == k else last * ratio / (1 - ratio) if ratio < 1 else math.inf
    return total, rest, 4 * _EPS * (done + 2)


@lru_cache(maxsize=4096)
def tail_log_odds(k: int, n: int, level: float, *, above: bool) -> float:
    """The log-odds x of the p with P(Bin(n, p) ≤ k) = level, k < n, level ≤ ½, a little above it or below.

    Surely so: with `above` the tail at x is at most the level despite all rounding, otherwise at least. The second
    needs n ≤ `SUMMED`, where no term that counts is left out.
    """
    target = math.log(level)

    def gap(x: float) -> tuple[float, float, float]:
        """Ln P(Bin ≤ k) − target, minus its derivative by x, and a bound on its rounding."""
        term, error = _log_term(k, n, x)
        total, rest, rounding = _terms(k, n, math.exp(min(x, _LARGEST)))
        total += rest if above else 0.0
        value = term + math.log(total)
        error += rounding + 2 * _EPS * (1 + abs(term) + abs(target))
        return value - target, (n - k) * probabilities(x)[0] / total, error

    # P(X ≤ k) ≤ Binom(n, k) q^{n−k}: an upper end, from which Newton's method falls, as ln P is concave in x.
    fewer = min(k, n - k)
    choose = fewer * (1 + math.log(n / fewer)) if fewer else 0.0
    log_q = (target - choose) / (n - k)
    x = math.log(-math.expm1(log_q)) - log_q
    if x > _LARGEST:  # p is one to all digits and more
        return x
    for _ in range(60):
        over, slope, _ = gap(x)
        if slope == 0:  # so far below that nothing bounds the tail
            break
        x += over / slope
        if abs(over / slope) <= 4 * _EPS * (1 + abs(x)):
            break
    side = 1.0 if above else -1.0
    push = 2 * _EPS * (1 + abs(x))
    while (short := side * (found := gap(x))[0] + found[2]) > 0:
        x += side * (push + (short / found[1] if found[1] > 0 else 0.0))
        push *= 2
    return x
