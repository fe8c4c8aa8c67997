"""Rademacher signs that belong to (seed, row, draw): a counter-based generator, so no state and no order.

Each (seed, row) has a key, each group of 64 draws hashes that key once, and the 64 bits are 64 signs. Integer
arithmetic alone decides them: any chunking, rank or device sees the same signs.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from bounds.errors import InvalidOption

BITS = 64
_ROW_STEP = 0x9E3779B97F4A7C15
_WORD_STEP = 0xD1B54A32D192ED03
_MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def _signed(value: int) -> int:
    """The two's complement int64 with the bits of `value` mod 2^64."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def _shift(z: Tensor, bits: int) -> Tensor:
    """Logical shift to the right: torch's own keeps the sign bit."""
    return (z >> bits) & ((1 << (64 - bits)) - 1)


def _mix(z: Tensor) -> Tensor:
    """The 64-bit finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection."""
    z = (z ^ _shift(z, 30)) * _signed(_MULTIPLIERS[0])
    z = (z ^ _shift(z, 27)) * _signed(_MULTIPLIERS[1])
    return z ^ _shift(z, 31)


@lru_cache(maxsize=16)
def _byte_signs(device: torch.device, dtype: torch.dtype) -> Tensor:
    """(256, 8): the eight signs of every byte, lowest bit first."""
    byte = torch.arange(256)[:, None]
    return (((byte >> torch.arange(8)) & 1) * 2 - 1).to(device=device, dtype=dtype)


def signs(
    seed: int,
    rows: range | Tensor,
    draws: int | range,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Fair signs +1 and -1, one per (row, draw), the same however rows and draws are cut into blocks.

    Args:
        seed: Any integer.
        rows: Row numbers of the sample, a range or an integer tensor (R,).
        draws: Number of draws T, or a range of draw numbers.
        device: Where to make them; the values do not depend on it.
        dtype: Floating type of the result.

    Returns:
        (R, T) tensor of +1 and -1.

    Raises:
        InvalidOption: draws that are negative or a range whose step is not 1.

    Example:
        >>> from bounds.complexity import signs
        >>> signs(seed=0, rows=range(2, 4), draws=3).tolist() == signs(seed=0, rows=range(4), draws=3)[2:].tolist()
        True
    """
    span = range(draws) if isinstance(draws, int) else draws
    if span.step != 1 or span.start < 0 or (isinstance(draws, int) and draws < 0):
        raise InvalidOption(f"`draws` must be a count or a range of step 1 from 0 or more, got {draws}.")
    device = torch.device(device)
    row = torch.arange(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows
    row = row.to(device=device, dtype=torch.int64)
    first, last = span.start // BITS, -(-span.stop // BITS)
    key = _mix(row * _signed(_ROW_STEP) + _signed(_mix_int(seed)))
    word = torch.arange(first, max(first, last), device=device) * _signed(_WORD_STEP)
    bits = _mix(key[:, None] + word)
    bytes_ = (bits[..., None] >> torch.arange(0, BITS, 8, device=device)) & 255
    table = torch.nn.functional.embedding(bytes_, _byte_signs(device, dtype)).reshape(len(row), -1)
    return table[:, span.start - first * BITS : span.stop - first * BITS]


def _mix_int(seed: int) -> int:
    """The mixed seed, so that neighbouring seeds do not share rows."""
    return int(_mix(torch.tensor(_signed(seed + _WORD_STEP), dtype=torch.int64)).item())
