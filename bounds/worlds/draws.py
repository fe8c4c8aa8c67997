"""How worlds draw items and pairs, and encode: the honest ways, and those that break an assumption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bounds.data.pairing import class_pairs as finite_pool
from bounds.worlds.population import Population

Index = NDArray[np.int64]


def independent(population: Population, count: int, rng: np.random.Generator) -> Index:
    """i.i.d. points (A6)."""
    return population.within(np.zeros(len(population.labels), np.int64), np.zeros(count, np.int64), rng)


def stratified(population: Population, count: int, rng: np.random.Generator) -> Index:
    """Class counts as close to count·p as whole numbers allow, points i.i.d. within classes (breaks A6)."""
    return population.within(population.labels, rng.permutation(_rounded(population.prior, count)), rng)


def repeated(times: int, population: Population, count: int, rng: np.random.Generator) -> Index:
    """Each of count/times i.i.d. points several times, like frames of a video (breaks A6)."""
    return np.resize(independent(population, max(1, count // times), rng), count)


def class_pairs(
    population: Population, count: int, rng: np.random.Generator, S: Index
) -> tuple[Index, Index]:
    """A class from p, then two points of it independently (A1)."""
    first = independent(population, count, rng)
    return first, population.within(population.labels, population.labels[first], rng)


def view_pairs(population: Population, count: int, rng: np.random.Generator, S: Index) -> tuple[Index, Index]:
    """An image, then two of its views independently (A1′; breaks A1)."""
    first = independent(population, count, rng)
    return first, population.within(population.images, population.images[first], rng)


def repeated_pairs(
    times: int, population: Population, count: int, rng: np.random.Generator, S: Index
) -> tuple[Index, Index]:
    """Each of count/times class pairs several times (breaks A6)."""
    first, second = class_pairs(population, max(1, count // times), rng, S)
    return np.resize(first, count), np.resize(second, count)


def pool_pairs(population: Population, count: int, rng: np.random.Generator, S: Index) -> tuple[Index, Index]:
    """Disjoint pairs within the classes of an i.i.d. pool of 2·count items: fixes the class counts."""
    return _paired(population, independent(population, 2 * count, rng), rng)


def pairs_of_labeled(
    population: Population, count: int, rng: np.random.Generator, S: Index
) -> tuple[Index, Index]:
    """The same with S itself as the pool (breaks A7)."""
    return _paired(population, S, rng)


def _paired(population: Population, pool: Index, rng: np.random.Generator) -> tuple[Index, Index]:
    seed = int(rng.integers(2**31))
    found = finite_pool(population.labels[pool], seed=seed, class_prior_known=True, name="pool")
    return pool[found.first], pool[found.second]


def fresh(population: Population, count: int, rng: np.random.Generator, S: Index) -> Index:
    """i.i.d. test items."""
    return independent(population, count, rng)


def reused(population: Population, count: int, rng: np.random.Generator, S: Index) -> Index:
    """Test items that are items of S (breaks H)."""
    return np.resize(S, count)


def leaked(population: Population, count: int, rng: np.random.Generator, S: Index) -> Index:
    """i.i.d. test items, half as many copies of them, and as many of S: harmless where copies are counted as such."""
    own = independent(population, max(1, count // 2), rng)
    added = count - len(own)
    copies = np.concatenate([np.resize(own, added // 2), np.resize(S, added - added // 2)])
    return rng.permutation(np.concatenate([own, copies]))


def identity(
    population: Population, S: Index, first: Index, second: Index, rng: np.random.Generator
) -> Tensor:
    """The encoder fixed before all data (A2, A3): points are their own representations."""
    return population.points


def _rounded(prior: NDArray[np.float64], count: int) -> Index:
    """Labels with counts nearest to count·p (largest remainders)."""
    exact = prior * count
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact)[: count - counts.sum()]] += 1
    return np.repeat(np.arange(len(prior)), counts)
