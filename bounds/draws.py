"""Random numbers that belong to rows: a counter-based generator keyed by (seed, row, stream)."""

from __future__ import annotations

import numpy as np

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_PART = 2**16  # numbers of an order that are drawn at once


def uniforms(seed: int, rows: np.ndarray, stream: int, count: int) -> np.ndarray:
    """Uniform numbers in [0, 1), `count` for each row; float64, (N, count).

    Entry (i, k) depends on (seed, rows[i], stream, k) alone: not on the other rows, their order or number.
    Each input passes through the finaliser of SplitMix64, a 64-bit bijection (Steele et al., OOPSLA 2014).

    Args:
        seed: Any integer.
        rows: Row indices (N,), integers.
        stream: Any integer: the view, the epoch or the purpose the numbers serve.
        count: How many numbers for each row.
    """
    with np.errstate(over="ignore"):
        key = _mix(_mix(np.array([seed & _MASK], np.uint64)) ^ np.uint64(stream * _GOLDEN & _MASK))
        per_row = _mix(key ^ _mix(np.asarray(rows).astype(np.uint64)))
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        bits = _mix(per_row[:, None] + steps)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, count: int, stream: int = 0) -> np.ndarray:
    """A random order of 0..count−1, int64 (count,), a function of (seed, stream, count) alone: by `uniforms`, stably.

    Numbers of one range after the other are drawn again and sorted, so that little more than the order is in memory.
    """
    many = min(1 + count // _PART, 256)
    ranges = np.empty(count, np.uint8)
    for start in range(0, count, _PART):
        rows = np.arange(start, min(start + _PART, count))
        ranges[start : start + _PART] = uniforms(seed, rows, stream, 1)[:, 0] * many
    order, done = np.empty(count, np.int64), 0
    for one in range(many):
        rows = np.flatnonzero(ranges == one)
        drawn = uniforms(seed, rows, stream, 1)[:, 0]
        order[done : done + len(rows)] = rows[np.argsort(drawn, kind="stable")]
        done += len(rows)
    return order


def _mix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = x ^ (x >> np.uint64(31))
    return mixed
