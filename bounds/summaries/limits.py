"""Confidence limits that have no closed form, each rounded to the safe side: kl inverses, Clopper-Pearson, ..."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bounds.errors import InvalidStatistics
from bounds.summaries.binomial import SUMMED, deviance, probabilities, tail_log_odds

_EPS = 2.0**-52


def binary_kl(q: float, p: float) -> float:
    """kl(q‖p) = q ln(q/p) + (1−q) ln((1−q)/(1−p)) in nats, with its limits at 0 and 1; digits kept for p near q."""
    if q == p:
        return 0.0
    if p in (0.0, 1.0):
        return math.inf
    return deviance(q, p, q - p) + deviance(1.0 - q, 1.0 - p, p - q)


def _surely_kl_at_least(q: float, p: float, budget: float) -> bool:
    """True only where kl(q‖p) >= budget despite the rounding of its evaluation."""
    return binary_kl(q, p) * (1 - 64 * _EPS) >= budget


def kl_inverse(q: float, budget: float) -> float:
    """kl⁻¹(q; a) = sup{p in [q, 1] : kl(q‖p) <= a}, never below the true value.

    Exact limits: q = 0 gives 1 − e^{−a}, q = 1 gives 1. Newton's method finds the place, and the result is a
    point from there upwards at which kl is certainly at least a.

    Raises:
        InvalidStatistics: if q is outside [0, 1] or the budget is negative or NaN.
    """
    _check_kl(q, budget)
    if budget == 0.0:
        return q
    if q == 1.0 or budget == math.inf:
        return 1.0
    if q == 0.0:
        return min(1.0, -math.expm1(-budget) * (1 + 4 * _EPS))
    # kl(q‖p) is at least 2(p − q)² and at least (1 − q) ln(1/(1 − p)) − ln 2: two upper ends.
    start = min(q + math.sqrt(budget / 2), -math.expm1(-(budget + math.log(2.0)) / (1 - q)))
    return _climb(
        _newton(q, start, lambda p: binary_kl(q, p) - budget, lambda p: (p - q) / (p * (1 - p))),
        lambda p: _surely_kl_at_least(q, p, budget),
    )


def kl_inverse_lower(q: float, budget: float) -> float:
    """inf{p in [0, q] : kl(q‖p) <= a}, never above the true value; small limits keep their digits.

    Raises:
        InvalidStatistics: as `kl_inverse`.
    """
    _check_kl(q, budget)
    if budget == 0.0:
        return q
    if q == 0.0 or budget == math.inf:
        return 0.0
    if q == 1.0:
        return math.exp(-budget) * (1 - 2 * _EPS)
    # kl(q‖p) is at least q ln(q/p) − q: a lower end. In t = ln p the gap is convex, so Newton climbs to its zero.
    t = math.log(q) - budget / q - 1
    for _ in range(100):
        p = math.exp(t)
        if p == 0.0:
            return 0.0
        if p >= q:
            break
        step = (binary_kl(q, p) - budget) * (1 - p) / (q - p)
        t += step
        if step <= 2 * _EPS * (1 + abs(t)):
            break
    p = min(math.exp(t), q)
    step = _EPS * p
    while p > 0.0 and not _surely_kl_at_least(q, p, budget):
        p -= step
        step *= 2
    return max(0.0, p)


def kl_inverse_near(q: NDArray[np.float64], budget: NDArray[np.float64]) -> NDArray[np.float64]:
    """kl⁻¹ of arrays, to rounding but on either side of the true value: to choose by, never to certify with."""
    from scipy.special import rel_entr

    q, budget = np.broadcast_arrays(q, np.minimum(budget, 700.0))  # e^-700 is nothing beside one
    with np.errstate(divide="ignore", invalid="ignore"):
        # In t = -ln(1 - p) the gap is convex and nearly a line for p near one: from above Newton falls to its zero.
        t = np.minimum(
            -np.log1p(-np.minimum(q + np.sqrt(budget / 2), 1.0)), (budget + math.log(2.0)) / (1 - q)
        )
        for _ in range(12):
            p = np.maximum(-np.expm1(-t), q)
            gap = rel_entr(q, p) + (1 - q) * (np.log1p(-q) + t) - budget
            t = t - np.where(p > q, gap * p / (p - q), 0.0)
    return np.where(q < 1, np.clip(-np.expm1(-t), q, 1.0), 1.0)


def kl_inverse_first(p: float, budget: float) -> float:
    """sup{a in [p, 1] : kl(a‖p) <= budget}: how far an average may exceed its mean p; never below the true value.

    Raises:
        InvalidStatistics: if p is outside [0, 1] or the budget is negative or NaN.
    """
    _check_kl(p, budget)
    if p in (0.0, 1.0) or budget == 0.0:
        return p
    if -math.log(p) <= budget:
        return 1.0
    odds = math.log(p) - math.log1p(-p)
    return _climb(
        _newton(
            p,
            p + math.sqrt(budget / 2),
            lambda a: binary_kl(a, p) - budget,
            lambda a: math.log(a) - math.log1p(-a) - odds,
        ),
        lambda a: _surely_kl_at_least(a, p, budget),
    )


def _check_kl(mean: float, budget: float) -> None:
    if not 0.0 <= mean <= 1.0:
        raise InvalidStatistics(f"A kl inverse needs a mean in [0, 1], got {mean}.")
    if not budget >= 0.0:
        raise InvalidStatistics(f"A kl inverse needs a budget of at least 0, got {budget}.")


def _newton(
    low: float, start: float, gap: Callable[[float], float], slope: Callable[[float], float]
) -> float:
    """Zero of a gap that is convex and rises from `low` to 1; near it at least, as `_climb` has the last word."""
    x = start if low < start < 1.0 else 0.5 * (low + 1.0)
    fell = False  # once right of the zero the steps of exact arithmetic only fall
    for _ in range(100):
        if not low < x < 1.0:  # no number lies between
            return 1.0
        rise = slope(x)
        new = x - gap(x) / rise if rise > 0 else x
        if new >= 1.0:  # from the left of the zero a step may leave the interval
            new = 0.5 * (x + 1.0)
        if new <= low or (fell and new >= x) or abs(new - x) <= 2 * _EPS * min(x, 1.0 - x):
            break
        fell = fell or new < x
        x = new
    return x


def _climb(x: float, above: Callable[[float], bool]) -> float:
    """A point at or slightly above x at which `above` holds; 1 if none does."""
    step = _EPS * x
    while x < 1.0 and not above(x):
        x += step
        step *= 2.0
    return min(x, 1.0)


def clopper_pearson_upper(mistakes: int, trials: int, delta: float) -> float:
    """One-sided Clopper-Pearson upper limit CP⁺ of a binomial proportion at confidence 1 − delta, rounded up.

    The p with P(Binomial(N, p) <= k) = delta; 1 when k = N. The tail itself is inverted, so that no digit of a small
    delta is lost.

    Raises:
        InvalidStatistics: unless 0 <= mistakes <= trials, trials >= 1 and 0 < delta < 1.
    """
    _check_counts(mistakes, trials, delta)
    if mistakes == trials:
        return 1.0
    if delta <= 0.5 or trials > SUMMED:
        odds = tail_log_odds(mistakes, trials, min(delta, 0.5), above=True)
    else:  # P(Binomial(N, 1 − p) <= N − k − 1) = 1 − delta, which is exact here
        odds = -tail_log_odds(trials - mistakes - 1, trials, 1 - delta, above=False)
    return _probability_above(odds)


def clopper_pearson_lower(mistakes: int, trials: int, delta: float) -> float:
    """One-sided Clopper-Pearson lower limit of a binomial proportion at confidence 1 − delta, rounded down.

    The p with P(Binomial(N, p) >= k) = delta; 0 when k = 0.

    Raises:
        InvalidStatistics: as `clopper_pearson_upper`.
    """
    _check_counts(mistakes, trials, delta)
    if mistakes == 0:
        return 0.0
    if delta <= 0.5 or trials > SUMMED:
        odds = -tail_log_odds(trials - mistakes, trials, min(delta, 0.5), above=True)
    else:
        odds = tail_log_odds(mistakes - 1, trials, 1 - delta, above=False)
    return _probability_below(odds)


def _check_counts(mistakes: int, trials: int, delta: float) -> None:
    if not (0 <= mistakes <= trials and trials >= 1):
        raise InvalidStatistics(f"Clopper-Pearson needs 0 <= mistakes <= trials, got {mistakes} of {trials}.")
    check_level(delta)


def check_level(delta: float) -> None:
    """Refuse a failure probability that is none.

    Raises:
        InvalidStatistics: unless 0 < delta < 1, which NaN is not.
    """
    if not 0.0 < delta < 1.0:
        raise InvalidStatistics(f"A confidence limit needs delta strictly between 0 and 1, got {delta}.")


def _probability_above(log_odds: float) -> float:
    """The probability p rounded up; where p is near one its distance from one is rounded down."""
    p, q = probabilities(log_odds)
    slack = 4 * _EPS * (1 + abs(log_odds))
    return min(1.0, p * (1 + slack) if p <= q else math.nextafter(1.0 - q * (1 - slack), 2.0))


def _probability_below(log_odds: float) -> float:
    """The probability rounded down."""
    p, q = probabilities(log_odds)
    slack = 4 * _EPS * (1 + abs(log_odds))
    return max(0.0, p * (1 - slack) if p <= q else math.nextafter(1.0 - q * (1 + slack), 0.0))


def log_subsets(classes: float) -> float:
    """ln(2^K − 2) for K >= 2 without overflow; minus infinity for K = 1, where no deviation is possible."""
    if classes < 2:
        return -math.inf
    return classes * math.log(2.0) + math.log1p(-(2.0 ** (1.0 - classes)))


def constant_loss(frequencies: list[float]) -> float:
    """min_c Σ_y p_y ‖c − e_y‖: the norm loss of the best constant predictor (geometric median of the labels).

    At the optimum either a class holds the median (its pull on the others' is no larger than its weight) or the
    stationarity condition c_y ∝ p_y/r_y with r_y = ‖c − e_y‖ holds, solved by Weiszfeld's fixed point.
    """
    p = [value for value in frequencies if value > 0]
    for y, weight in enumerate(p):
        rest = [value for k, value in enumerate(p) if k != y]
        # Unit vectors from e_y to the others have pairwise inner product 1/2.
        pull = math.sqrt(0.5 * (sum(v * v for v in rest) + sum(rest) ** 2))
        if pull <= weight:
            return math.sqrt(2.0) * sum(rest)
    c = list(p)
    loss = math.inf
    for _ in range(10_000):
        square = math.fsum(v * v for v in c)
        radii = [math.sqrt(max(square - 2 * v + 1, 1e-300)) for v in c]
        new = math.fsum(a * b for a, b in zip(p, radii, strict=True))
        pulls = [a / b for a, b in zip(p, radii, strict=True)]
        total = math.fsum(pulls)
        c = [v / total for v in pulls]
        if loss - new <= 1e-15:
            return min(loss, new)
        loss = new
    return loss
