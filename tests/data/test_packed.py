"""Packed texts are the list they were made of, in a fraction of its memory."""

import tracemalloc
from pathlib import Path

import pytest

from bounds.data.packed import Packed

TEXTS = ["a", "", "Ärger/猫.png", "caf\udce9.jpg", "x" * 300, "b"]


def test_texts_come_back():
    packed = Packed(TEXTS[:2])
    packed.extend(TEXTS[2:])
    assert list(packed) == TEXTS
    assert [packed[i] for i in range(-len(TEXTS), 0)] == TEXTS
    for rows in (slice(None), slice(1, 4), slice(4, 99), slice(3, 1), slice(None, None, -2)):
        assert packed[rows] == TEXTS[rows]
    with pytest.raises(IndexError):
        packed[len(TEXTS)]
    assert len(Packed()) == 0


def test_a_name_costs_its_bytes_and_eight():
    names = [f"n{i // 1000:08d}/n{i // 1000:08d}_{i}.JPEG" for i in range(20_000)]
    tracemalloc.start()
    try:
        packed = Packed(names)
        here = tracemalloc.get_traced_memory()[0]
        paths = [Path(name) for name in names]
        there = tracemalloc.get_traced_memory()[0] - here
    finally:
        tracemalloc.stop()
    assert len(packed) == len(paths)
    assert here < 1.3 * sum(len(name) + 8 for name in names)  # buffers grow ahead
    assert here < there / 4
