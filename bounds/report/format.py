"""Numbers as text: certificates are rounded up in print as well."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal


def significant(value: float, digits: int = 4, *, up: bool = False) -> str:
    """`value` with that many significant digits; `up` never prints less than the value."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "not a number")
    if value == 0:
        return "0"
    exact = Decimal(value)
    place = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    rounded = exact.quantize(place, rounding=ROUND_CEILING if up else ROUND_HALF_EVEN)
    return f"{float(rounded):.{digits}g}" if abs(rounded) < 10**6 else f"{float(rounded):.{digits - 1}e}"
