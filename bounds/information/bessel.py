"""Logarithm and ratio of modified Bessel functions, for any order and argument, without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Above this order the uniform expansion is accurate to about 1e-11; below it scipy's scaled function serves.
LARGE_ORDER = 40.0


def log_bessel_i(order: float, x: Any) -> Array:
    """The logarithm of I_order(x) for x >= 0 (-inf at 0 unless the order is 0).

    Large orders use Debye's uniform expansion (DLMF 10.41.3, four corrections), small ones scipy's
    exponentially scaled function, and its leading series where that underflows.
    """
    from scipy.special import gammaln, ive

    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore"):
        if order >= LARGE_ORDER:
            return _debye(order, x)
        scaled = ive(order, x)
        usable = scaled > 1e-280
        series = order * np.log(x / 2) - gammaln(order + 1) if order else np.zeros_like(x)
        series = series + np.log1p(x**2 / (4 * (order + 1)))
        value: Array = np.where(usable, np.log(np.where(usable, scaled, 1.0)) + x, series)
        return value


def _debye(order: float, x: Array) -> Array:
    z = x / order
    root = np.hypot(1.0, z)
    t = 1.0 / root
    t2 = t * t
    terms = (
        t * (3 - 5 * t2) / 24 / order,
        t2 * (81 + t2 * (-462 + t2 * 385)) / 1152 / order**2,
        t * t2 * (30375 + t2 * (-369603 + t2 * (765765 - t2 * 425425))) / 414720 / order**3,
        t2**2
        * (4465125 + t2 * (-94121676 + t2 * (349922430 + t2 * (-446185740 + t2 * 185910725))))
        / 39813120
        / order**4,
    )
    eta = root + np.log(z) - np.log1p(root)
    value: Array = order * eta - 0.5 * np.log(2 * np.pi * order) - 0.5 * np.log(root) + np.log1p(sum(terms))
    return value


def bessel_ratio(order: float, x: float) -> float:
    """I_{order+1}(x) / I_order(x) in [0, 1): scipy, or where it underflows Gauss's continued fraction."""
    from scipy.special import ive

    if x == 0:
        return 0.0
    below = float(ive(order, x))
    if below > 1e-280:
        return float(ive(order + 1, x)) / below
    # Lentz's method; here x << order^2, so the fraction converges within a few hundred steps.
    value, c, d = 1e-300, 1e-300, 0.0
    for step in range(1, 1_000_000):
        b = 2 * (order + step) / x
        d = 1 / (b + d)
        c = b + 1 / c
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
