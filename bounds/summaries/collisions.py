"""How often negatives share the anchor's class or miss a class: exact, without overflow or cancellation."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics
from bounds.summaries.limits import check_level, kl_inverse, kl_inverse_lower

_SLACK = 2.0**-50  # a few roundings, for numbers that certificates subtract or divide by


def collision_probability(prior: Tensor, negatives: int = 1) -> float:
    """τ_k = P(one of k negatives has the anchor's class) = Σ_c p_c(1 − (1 − p_c)^k); k = 1 gives Σ p_c².

    Args:
        prior: p (K,).
        negatives: k ≥ 1.

    Raises:
        InvalidStatistics: p is no distribution, or k < 1.
    """
    _check(prior, negatives)
    p = prior.double()
    return float((p * -torch.expm1(negatives * torch.log1p(-p))).sum())


def expected_log_collisions(prior: Tensor, negatives: int = 1) -> float:
    """E ln(1 + number of negatives of the anchor's class), in nats, rounded down.

    Σ_c p_c Σ_j Binom(k, p_c)(j) ln(1 + j), each binomial weight from its logarithm.

    Raises:
        InvalidStatistics: p is no distribution, or k < 1.
    """
    _check(prior, negatives)
    j = torch.arange(1, negatives + 1, dtype=torch.float64)
    choose = math.lgamma(negatives + 1) - torch.lgamma(j + 1) - torch.lgamma(negatives - j + 1)
    total = 0.0
    for p, times in zip(*torch.unique(prior.double(), return_counts=True), strict=True):
        if p == 0:
            continue
        log_weight = choose + j * p.log() + torch.xlogy(negatives - j, 1 - p)
        total += float(times * p * (log_weight.exp() * j.log1p()).sum())
    return total * (1 - _SLACK * (10 + math.lgamma(negatives + 1)))


def coverage_probability(classes: int, draws: int) -> float:
    """P(`draws` uniform draws show all `classes`), rounded down: the coupon collector without subtraction.

    The number of classes seen is a Markov chain: P_t(j) = P_{t−1}(j)·j/C + P_{t−1}(j − 1)·(C − j + 1)/C,
    which has a relative error of at most 4tu, where the alternating sum Σ(−1)^i Binom(C, i)(1 − i/C)^t
    loses every digit.

    Raises:
        InvalidStatistics: fewer than one class or draw.
    """
    if classes < 1 or draws < 1:
        raise InvalidStatistics(f"Coverage needs at least one class and one draw, got {classes} and {draws}.")
    if draws < classes:
        return 0.0
    seen = torch.arange(classes + 1, dtype=torch.float64)
    stay, step = seen / classes, (classes - seen[:-1]) / classes
    chain = torch.zeros(classes + 1, dtype=torch.float64)
    chain[0] = 1.0
    for _ in range(draws):
        moved = chain * stay
        moved[1:] += chain[:-1] * step
        chain = moved
    return float(chain[-1]) * (1 - 4 * draws * 2.0**-53)


def harmonic(count: int) -> float:
    """H_n = 1 + 1/2 + … + 1/n, summed exactly rounded; 0 for n = 0."""
    return math.fsum(1 / j for j in range(1, count + 1))


def task_weight(prior: Tensor, negatives: int = 1) -> float:
    """Smallest P(no negative of class y, one of class c) over y ≠ c, rounded down.

    min (1 − p_y)^k − (1 − p_y − p_c)^k:     what one K-way error costs at least in the loss with k
    negatives; min p for k = 1. Classes of probability zero are left out.

    Raises:
        InvalidStatistics: p is no distribution, or k < 1.
    """
    _check(prior, negatives)
    p = prior.double()
    p = p[p > 0]
    stay = (1 - p)[:, None]
    both = (stay - p[None, :]).clamp_min(0.0)
    weight = stay**negatives - both**negatives
    weight.fill_diagonal_(math.inf)
    return max(0.0, float(weight.min()) - _SLACK * (negatives + 1))


def collision_interval(counts: Tensor, delta: float) -> tuple[float, float]:
    """Two-sided confidence interval of τ_c = Σ p_c² from class counts of i.i.d. labels.

    The share of agreeing pairs Σ n_c(n_c − 1)/(n(n − 1)) is a U-statistic of order two, so kl limits hold for
    ⌊n/2⌋ independent values (Hoeffding 1963), at δ/2 on each side; τ_c ≥ 1/K always.

    Args:
        counts: (K,) labels per class.
        delta: Failure probability of both sides together.

    Raises:
        InvalidStatistics: fewer than two labels, or δ outside (0, 1).
    """
    check_level(delta)
    n = int(counts.sum())
    if n < 2:
        raise InvalidStatistics(f"The collision probability needs at least two labels, got {n}.")
    c = counts.double()
    share = float((c * (c - 1)).sum()) / (n * (n - 1))
    low, high = share * (1 - _SLACK), min(1.0, share * (1 + _SLACK))
    budget = math.log(2 / delta) / (n // 2) * (1 + _SLACK)
    return max(kl_inverse_lower(low, budget), 1 / len(counts) * (1 - _SLACK)), kl_inverse(high, budget)


def _check(prior: Tensor, negatives: int) -> None:
    if negatives < 1:
        raise InvalidStatistics(f"Needs at least one negative, got {negatives}.")
    if prior.ndim != 1 or not bool((prior >= 0).all()) or abs(float(prior.sum()) - 1) > 1e-9:
        raise InvalidStatistics(
            f"A class prior must be K non-negative numbers that sum to 1, got {tuple(prior.shape)}."
        )
