"""Numbers as text: certificates are rounded up in print as well."""

from __future__ import annotations

import math
import unicodedata
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

_LONGEST = 26  # characters of a name in a table


def significant(value: float, digits: int = 4, *, up: bool = False, down: bool = False) -> str:
    """`value` with that many significant digits; `up` never prints less than the value, `down` never more."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "not a number")
    if value == 0:
        return "0"
    exact = Decimal(value)
    place = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    rounding = ROUND_CEILING if up else ROUND_FLOOR if down else ROUND_HALF_EVEN
    rounded = exact.quantize(place, rounding=rounding)
    return f"{float(rounded):.{digits}g}" if abs(rounded) < 10**6 else f"{float(rounded):.{digits - 1}e}"


def percent(value: float, *, up: bool = False, down: bool = False) -> str:
    """A rate for people: one decimal of a percent, below 0.1 % one digit; `up` never prints less, `down` never more."""
    if not math.isfinite(value):
        return significant(value)
    exact = 100 * Decimal(repr(float(value)))  # the decimal that reads back as this number
    rounding = ROUND_CEILING if up else ROUND_FLOOR if down else ROUND_HALF_EVEN
    small = exact != 0 and abs(exact) < Decimal("0.1")
    place = Decimal(1).scaleb(exact.adjusted()) if small else Decimal("0.1")
    rounded = exact.quantize(place, rounding=rounding)
    return f"{rounded.normalize():f} %" if small else f"{rounded} %"


def confidence(delta: float) -> str:
    """1 − δ as a percentage, every digit of it: rounding could only overstate it."""
    return f"{(100 * (1 - Decimal(str(delta)))).normalize():f} %"


def count(number: float, noun: str) -> str:
    """A number of things, with thousands set apart; the plural ends in s."""
    whole = round(number)
    return f"{whole:,} {noun}" if whole == 1 else f"{whole:,} {noun}s"


def short(name: str, longest: int = _LONGEST) -> str:
    """A name that fits into a table."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def visible(text: str) -> str:
    """Without characters that steer a terminal or turn the direction of writing."""
    return "".join(one if one.isprintable() else " " for one in text if unicodedata.category(one) != "Cf")
