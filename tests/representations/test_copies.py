"""The cost of finding copies: what is read of the rows, and what is held, whatever lies among them."""

import tracemalloc

import numpy as np
import pytest

from bounds.representations.copies import Copies
from bounds.representations.table import Representations

N, DIM = 8000, 24


class Counting:
    """Rows that count how many were read."""

    def __init__(self, rows):
        self.rows, self.read = rows, 0
        self.shape, self.ndim, self.dtype = rows.shape, rows.ndim, rows.dtype

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, chosen):
        found = self.rows[chosen]
        self.read += len(found)
        return found


def x(n):
    return np.random.default_rng(0).normal(size=(n, DIM))


def noise(n):
    return np.random.default_rng(1).normal(size=(n, DIM))


def ten_times(n):
    return np.repeat(x(n // 10), 10, 0)[np.random.default_rng(2).permutation(n)]


# Rows of one table or of two, with copies of every kind among them.
WORLDS = {
    "none": lambda n: (x(n)[: n // 2], x(n)[n // 2 :]),
    "one table twice": lambda n: (x(n // 2), x(n // 2) + 1e-5 * noise(n // 2)),
    "ten times in any order": lambda n: (ten_times(n),),
    "chains": lambda n: (x(1) + 1e-5 * np.arange(n)[:, None] * np.eye(DIM)[:1],),
    "clusters": lambda n: (np.repeat(x(n // 50), 50, 0) + 1e-5 * noise(n),),
    "collapsed": lambda n: (np.ones((n, DIM)),),
    "collapsed to rounding": lambda n: (1 + 1e-6 * noise(n),),
    "collapsed to the tolerance": lambda n: (1 + 1e-4 * noise(n),),
    "collapsed a little beyond it": lambda n: (1 + 3e-4 * noise(n),),
}


def cost(tables):
    """(passes over the rows, bytes held at the peak for each row)."""
    counted = [Counting(rows) for rows in tables]
    count = sum(map(len, tables))
    views = {str(i): Representations((rows,)) for i, rows in enumerate(counted)}
    tracemalloc.start()
    Copies.of_rows(views)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return sum(rows.read for rows in counted) / count, peak / count


@pytest.mark.parametrize("name", WORLDS)
def test_rows_are_read_about_twice_and_no_matrix_of_pairs_is_held(name):
    passes, held = cost(WORLDS[name](N))
    assert 1.0 <= passes <= 2.25
    assert held < 7500  # a byte a pair would be N = 8000 a row
    passes, more = cost(WORLDS[name](3 * N))
    assert passes <= 2.25
    assert more < 1.5 * held + 100
