"""Signs belong to (seed, row, draw): fair, independent, and the same however they are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bounds.complexity.signs import signs
from bounds.errors import InvalidOption

MASK = (1 << 64) - 1


def naive_sign(seed: int, row: int, draw: int) -> int:
    """The same definition in Python integers, one sign at a time."""

    def mix(z: int) -> int:
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    step = 0xD1B54A32D192ED03
    key = mix((row * 0x9E3779B97F4A7C15 + mix((seed + step) & MASK)) & MASK)
    return 1 if mix((key + draw // 64 * step) & MASK) >> (draw % 64) & 1 else -1


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**40), st.integers(0, 300), st.integers(1, 150))
def test_signs_match_the_definition_in_python_integers(seed: int, row: int, first: int, count: int) -> None:
    got = signs(seed, range(row, row + 2), range(first, first + count))
    want = [[naive_sign(seed, r, t) for t in range(first, first + count)] for r in (row, row + 1)]
    assert got.tolist() == want


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=4),
    st.lists(st.integers(0, 200), min_size=1, max_size=4),
)
def test_any_chunking_gives_the_same_signs(row_cuts: list[int], draw_cuts: list[int]) -> None:
    whole = signs(3, range(40), 200)
    rows, draws = sorted({0, 40, *row_cuts}), sorted({0, 200, *draw_cuts})
    blocks = [
        torch.cat([signs(3, range(a, b), range(s, t)) for s, t in pairwise(draws)], dim=1)
        for a, b in pairwise(rows)
    ]
    assert torch.equal(torch.cat(blocks), whole)


def test_rows_may_be_any_tensor_of_row_numbers() -> None:
    order = torch.randperm(100, generator=torch.Generator().manual_seed(0))
    assert torch.equal(signs(5, order, 70), signs(5, range(100), 70)[order])


def test_dtype_changes_nothing_but_the_type() -> None:
    double = signs(1, range(50), 100, dtype=torch.float64)
    assert double.dtype == torch.float64
    assert torch.equal(double, signs(1, range(50), 100).double())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_signs() -> None:
    assert torch.equal(signs(7, range(1000), 500, "cuda").cpu(), signs(7, range(1000), 500))


def test_signs_are_fair_in_every_row_and_every_draw() -> None:
    x = signs(0, range(4096), 1024, dtype=torch.float64).numpy()
    assert set(np.unique(x)) == {-1.0, 1.0}
    for axis in (0, 1):
        z = x.sum(axis) / np.sqrt(x.shape[axis])
        assert stats.kstest(z, "norm").pvalue > 1e-4
    assert abs(x.sum()) / np.sqrt(x.size) < 4.5


def test_signs_are_pairwise_independent_across_draws_and_rows() -> None:
    x = signs(11, range(2048), 512, dtype=torch.float64).numpy()
    for matrix in (x, x.T):
        n, k = matrix.shape
        z = (matrix.T @ matrix)[np.triu_indices(k, 1)] / np.sqrt(n)
        assert abs(z.mean()) < 5 / np.sqrt(len(z))
        assert abs(z.var() - 1) < 5 * np.sqrt(2 / len(z))
        # The largest of len(z) standard normals.
        assert np.abs(z).max() < stats.norm.isf(1e-4 / len(z))


@pytest.mark.parametrize("shift", [(1, 0), (0, 1), (1, 1), (2, 0), (0, 8), (0, 64), (64, 0), (1, 64)])
def test_neighbouring_rows_and_draws_do_not_correlate(shift: tuple[int, int]) -> None:
    x = signs(2, range(1500), 700, dtype=torch.float64)
    a, b = x[shift[0] :, shift[1] :], x[: 1500 - shift[0], : 700 - shift[1]]
    assert abs(float((a * b).sum())) / np.sqrt(a.numel()) < 4.5


def test_neighbouring_seeds_do_not_correlate() -> None:
    a, b = signs(100, range(1000), 500), signs(101, range(1000), 500)
    assert abs(float((a * b).sum())) / np.sqrt(a.numel()) < 4.5
    assert abs(float((a[1:] * b[:-1]).sum())) / np.sqrt(a[1:].numel()) < 4.5


def test_triples_are_independent() -> None:
    x = signs(4, range(4000), 60, dtype=torch.float64).numpy()
    z = np.array([(x[:, i] * x[:, i + 1] * x[:, i + 2]).sum() for i in range(58)]) / np.sqrt(4000)
    assert stats.kstest(z, "norm").pvalue > 1e-4


@pytest.mark.parametrize("draws", [-1, range(0, 10, 2), range(-3, 4)])
def test_draws_that_are_no_block_are_refused(draws: int | range) -> None:
    with pytest.raises(InvalidOption, match="draws"):
        signs(0, range(3), draws)
