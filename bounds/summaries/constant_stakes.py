"""Upper confidence limit of a mean by bets of constant stakes, averaged over orders of the same data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics

STAKES = (1.0, 0.5, 0.25, 0.125)
LOSS_STAKES = (*STAKES, 0.0625, 0.03)  # of losses, whose spread may be small against their range
_ROUNDING = 1e-9  # of the sums of logarithms


def constant_stakes_upper(values: Tensor, delta: float, stakes: tuple[float, ...] = STAKES) -> float:
    r"""Upper limit of E H at confidence 1 − δ from B rows of r values in [0, 1], (B, r).

    Each row holds i.i.d. values of mean p; rows are different arrangements of the same data, in number and order fixed
    before it. With C the stakes, {1, ½, ¼, ⅛} by default,

    .. math:: E(p) = \frac1{B|C|}\sum_b\sum_{c\in C}\prod_q\Big(1+c\,\frac{p-H_{bq}}{1-p}\Big),
        \qquad U=\min\{p:E(p)\ge1/\delta\}.

    At the true mean each product is non-negative of mean one, and so is their average (Markov); E rises with p. U = 1
    where E stays below 1/δ. The order within a row does not matter.

    Raises:
        InvalidStatistics: without values, with values outside [0, 1], or δ outside (0, 1).

    Source: this package; after Waudby-Smith and Ramdas (2024).
    """
    if values.ndim != 2 or not values.numel() or float(values.min()) < 0.0 or float(values.max()) > 1.0:
        raise InvalidStatistics("Bets of constant stakes need values (B, r) in [0, 1], at least one.")
    if not 0 < delta < 1:
        raise InvalidStatistics(f"`delta` must lie strictly between 0 and 1, got {delta}.")
    # Episodes take few different values: their counts are all that E needs.
    levels, place = torch.unique(values.double(), return_inverse=True)
    counts = torch.zeros(len(values), len(levels), dtype=torch.float64, device=levels.device)
    counts.scatter_add_(1, place, torch.ones_like(values, dtype=torch.float64))
    chosen = levels.new_tensor(stakes)[:, None]
    target = math.log(1 / delta) + math.log(len(stakes) * len(values)) + _ROUNDING

    def rejected(p: float) -> bool:
        factors = torch.log1p((chosen * (p - levels) / (1.0 - p)).clamp_min(-1.0))
        # A factor of zero, at p = 0 and H = 1, ends its row.
        logs = torch.where(factors.isneginf(), -1e300, factors) @ counts.T
        return float(logs.logsumexp((0, 1))) >= target

    return _least(rejected)


@dataclass(frozen=True)
class TwoPoints:
    """Draws of a law on two points of [0, 1], for projections: what a limit would be at other sizes.

    Attributes:
        mean: m.
        share: s in [0, 1]; the points are m − sm and m + s(1 − m), so that the variance is s²m(1 − m).
        count: N, not necessarily whole.
    """

    mean: float
    share: float
    count: float

    @classmethod
    def like(
        cls, mean: float, deviation: float, limit: float, delta: float, stakes: tuple[float, ...]
    ) -> TwoPoints:
        """The law with this mean and standard deviation, in the number whose limit is the given one, below 1."""
        widest = math.sqrt(mean * (1 - mean))
        share = min(1.0, deviation / widest) if widest > 0 else 0.0

        def reaches(x: float) -> bool:
            return cls(mean, share, x / (1 - x)).upper(delta, stakes) <= limit

        x = _least(reaches)
        return cls(mean, share, x / (1 - x))

    def upper(
        self, delta: float, stakes: tuple[float, ...], *, times: float = 1.0, mean: float | None = None
    ) -> float:
        """Their limit where each point comes up as often as the law says, of so many times N, at another mean."""
        m = self.mean if mean is None else mean
        points = ((1 - m, m - self.share * m), (m, m + self.share * (1 - m)))
        target = math.log(len(stakes) / delta) + _ROUNDING
        count = times * self.count

        def rejected(p: float) -> bool:
            logs = [
                count * sum(w * _log1p(c * (p - h) / (1 - p)) for w, h in points if w > 0) for c in stakes
            ]
            largest = max(logs)
            return largest + math.log(sum(math.exp(one - largest) for one in logs)) >= target

        return _least(rejected)


def _log1p(x: float) -> float:
    return math.log1p(x) if x > -1.0 else -1e200  # ends the product


def _least(reached: Callable[[float], bool]) -> float:
    """The least number of [0, 1] from which on it is reached, from above; 1 where it is nowhere."""
    low, high = 0.0, 1.0 - 2.0**-40
    if not reached(high):
        return 1.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
