"""Logarithm and ratio of modified Bessel functions, for any order and argument, without overflow."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Above this order the uniform expansion is accurate to about 1e-11; below it scipy's scaled function serves.
LARGE_ORDER = 40.0


# Above this argument Hankel's expansion is accurate at the small orders, and scipy's function ends at about 1e9.
LARGE_ARGUMENT = 1e8


def log_bessel_i(order: float, x: Any) -> Array:
    """The logarithm of I_order(x) for x >= 0 (-inf at 0 unless the order is 0)."""
    x = np.asarray(x, dtype=np.float64)
    value: Array = log_scaled_bessel_i(order, x) + x
    return value


def log_scaled_bessel_i(order: float, x: Any) -> Array:
    """The logarithm of I_order(x) e^-x for x >= 0: what is left of a logarithm whose size is x itself.

    Large orders use Debye's uniform expansion (DLMF 10.41.3, four corrections), large arguments Hankel's (DLMF
    10.40.1), others scipy's exponentially scaled function, and its leading series where that underflows.
    """
    from scipy.special import gammaln, ive

    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        if order >= LARGE_ORDER:
            return _debye(order, x)
        scaled = ive(order, np.minimum(x, LARGE_ARGUMENT))
        usable = scaled > 1e-280
        series = order * np.log(x / 2) - gammaln(order + 1) if order else np.zeros_like(x)
        series = series + np.log1p(np.minimum(x, 1.0) ** 2 / (4 * (order + 1))) - x
        value: Array = np.where(usable, np.log(np.where(usable, scaled, 1.0)), series)
        beyond = np.maximum(x, LARGE_ARGUMENT)
        hankel = np.log1p(-(4 * order**2 - 1) / (8 * beyond)) - 0.5 * np.log(2 * np.pi * beyond)
        return np.where(x > LARGE_ARGUMENT, hankel, value)


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
    # order (root + ln z - ln(1 + root)) - x, each difference written as one number
    eta = order / (np.hypot(order, x) + x) - np.arcsinh(1 / z)
    value: Array = order * eta - 0.5 * np.log(2 * np.pi * order) - 0.5 * np.log(root) + np.log1p(sum(terms))
    return value


def bessel_ratio(order: float, x: float) -> float:
    """I_{order+1}(x) / I_order(x) in [0, 1]: scipy, or where it underflows Gauss's continued fraction."""
    from scipy.special import ive

    if x == 0:
        return 0.0
    if x > max(LARGE_ARGUMENT, 1e3 * (order + 1) ** 2):
        return 1.0 - bessel_ratio_gap(order, x)
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


def bessel_ratio_gap(order: float, x: float) -> float:
    """1 - I_{order+1}(x) / I_order(x), which for large x would be lost in a ratio near one."""
    if x <= max(LARGE_ARGUMENT, 1e3 * (order + 1) ** 2):
        return 1.0 - bessel_ratio(order, x)
    # From the Riccati equation of the ratio, in powers of 1/x.
    a = 4 * order**2 - 1
    return (2 * order + 1) / (2 * x) - a / (8 * x**2) - a / (8 * x**3)
