"""Units in which squares of rows neither over- nor underflow: powers of two, by which no digit changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def binary_unit(rows: Tensor) -> float:
    """The power of two at the largest entry: rows divided by it are of size one, and no digit of theirs changes."""
    _, exponent = math.frexp(float(rows.abs().max()))
    return math.ldexp(1.0, max(exponent - 1, -1022))


def moderate_unit(*tables: Tensor) -> float:
    """What to divide rows by before fourth powers are taken: 1, but a power of two where those would leave float64."""
    largest = max(float(one.abs().max()) for one in tables)
    if largest == 0 or 2.0**-240 < largest < 2.0**240:
        return 1.0
    return binary_unit(torch.tensor([largest], dtype=torch.float64))
