"""Upper confidence limit of a mean by betting against it (Waudby-Smith and Ramdas 2024)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bounds.errors import InvalidStatistics
from bounds.summaries.limits import check_level

CAP = 0.9  # of the stake: the wealth stays positive, whatever the next value


def betting_upper(values: Tensor, delta: float) -> float:
    r"""Upper limit of E x at confidence 1 − δ from i.i.d. x_t in [0, 1], (N,), in their given order.

    For a candidate mean m the wealth :math:`\prod_t (1 - \lambda_t(x_t - m))`, with stakes
    :math:`\lambda_t\in[0, 0.9]` that depend on earlier values only, is a martingale of mean one if E x = m,
    and grows with m; by Ville's inequality the limit is the smallest m at which it reaches 1/δ. Stakes are the
    predictable plug-in :math:`\sqrt{2\ln(1/\delta)/(N\hat\sigma^2_{t-1})}`.

    Raises:
        InvalidStatistics: without values, with values outside [0, 1] (NaN among them), or for δ outside (0, 1).

    Source: Waudby-Smith and Ramdas (2024), Thm 3 and eq. 26, with one side and a fixed horizon.
    """
    check_level(delta)
    if not len(values) or not bool(((values >= 0.0) & (values <= 1.0)).all()):
        raise InvalidStatistics("Betting needs at least one value, all of them in [0, 1].")
    x = values.double()
    steps = torch.arange(1, len(x) + 1, dtype=torch.float64, device=x.device)
    mean = (0.5 + x.cumsum(0)) / (steps + 1)
    spread = (0.25 + (x - mean).square().cumsum(0)) / (steps + 1)
    before = torch.cat([spread.new_tensor([0.25]), spread[:-1]])
    stakes = (2 * math.log(1 / delta) / (len(x) * before)).sqrt().clamp_max(CAP)
    target = math.log(1 / delta) + 1e-9  # rounding of the sum of logarithms

    def rejected(m: float) -> bool:
        return float(torch.log1p(-stakes * (x - m)).sum()) >= target

    if not rejected(1.0):
        return 1.0
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rejected(middle) else (middle, high)
    return high
