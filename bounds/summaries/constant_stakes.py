"""Upper confidence limit of a mean by bets of constant stakes, averaged over orders of the same data."""

from __future__ import annotations

import math

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

    high = 1.0 - 2.0**-40
    if not rejected(high):
        return 1.0
    low = 0.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rejected(middle) else (middle, high)
    return high
