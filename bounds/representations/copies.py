"""Copies among the rows of several tables: equal fingerprints, or representations that differ by rounding.

Most rows have no copy: keys of all rows are sorted to see which of them repeat, and only rows with such a key are looked at
further, so that memory is a few numbers a row.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.files import writing
from bounds.representations.table import Representations

Rows = NDArray[np.int64]  # or int32, where that is enough: see `_numbers`
Mask = NDArray[np.bool_]

# Well above the rounding of an encoder between batch sizes and devices, well below what two images differ by.
TOLERANCE = 1e-4
_PROJECTIONS = 6
_DEVIATIONS = 5.5  # of a projection of a difference: beyond it lies less than 4e-8 of the sphere
_ROUNDS = 4
_CROWD = 16  # candidates a row, from which rows count as copies unseen
_BLOCK = 2048
_PART = 2**14  # rows of which temporaries are made at once
_ODD = np.random.default_rng(0).integers(-(2**62), 2**62, 1 + _PROJECTIONS) | 1


@dataclass(frozen=True)
class Copies:
    """Which rows of stacked tables are copies of one another.

    Rows x and x′ are linked if their fingerprints are equal, or, without fingerprints, if
    ‖f(x) − f(x′)‖ ≤ 1e-4·max(‖f(x)‖, ‖f(x′)‖). Where very many rows lie that close together (a collapsed encoder) rows
    a few tolerances apart are linked as well.

    Attributes:
        first: Name of a table to its first row in the stack.
        hub: (M,) a row that stands for each row.
        links: (L, 2) pairs of hubs that are copies.
    """

    first: Mapping[str, int]
    hub: Rows
    links: Rows

    @classmethod
    def of_fingerprints(cls, tables: Mapping[str, NDArray[np.uint64]]) -> Copies:
        """From one 64-bit fingerprint a row, (N,) for each table."""
        stacked = np.concatenate(list(tables.values()))
        hub = _numbers(len(stacked))
        followers, leaders = _repeats(stacked)
        hub[followers] = leaders
        return cls(_offsets({name: len(one) for name, one in tables.items()}), hub, _nothing())

    @classmethod
    def of_rows(cls, tables: Mapping[str, Representations]) -> Copies:
        """From the first view of each table, before normalisation.

        One pass projects the rows on a few random directions; rows whose projections and norms nearly agree are
        read once more and compared in full.
        """
        stack = _Stack(list(tables.values()))
        places = stack.projected()
        hub, spread = _hubs(stack, places)
        links = _links(stack, places, hub, spread)
        return cls(_offsets({name: one.count for name, one in tables.items()}), hub, links)

    def rows(self, name: str, items: Rows) -> Rows:
        """Stack numbers of rows of a table."""
        return self.first[name] + items

    def components(self, rows: Rows) -> Rows:
        """A number for each of these rows, equal where copies of copies among them join two rows."""
        numbers: Rows = np.unique(self._least(rows), return_inverse=True)[1]
        return numbers

    def earliest(self, rows: Rows) -> Rows:
        """For each of these rows the place among them of the first one of its component."""
        least = self._least(rows)
        place = np.empty_like(self.hub)
        place[least[::-1]] = _numbers(len(rows))[::-1]  # of equal indices the last one stays
        found: Rows = place[least]
        return found

    def among(self, rows: Rows, others: Rows) -> Mask:
        """Which of these rows are copies of one of the others."""
        known = self._used(others)
        touched = self.links[known[self.links].any(axis=1)]
        known[touched.ravel()] = True
        found: Mask = known[self.hub[rows]]
        return found

    def _used(self, rows: Rows) -> Mask:
        """(M,) the hubs of these rows."""
        used = np.zeros(len(self.hub), dtype=bool)
        used[self.hub[rows]] = True
        return used

    def _least(self, rows: Rows) -> Rows:
        """For each of these rows the smallest hub of its component among them."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        inside = self.links[self._used(rows)[self.links].all(axis=1)]
        if not len(inside):
            return self.hub[rows]
        linked, ends = np.unique(inside, return_inverse=True)
        edges = np.ones(len(inside), dtype=np.int8), tuple(ends.reshape(inside.shape).T)
        graph = coo_array(edges, shape=(len(linked), len(linked)))
        component = connected_components(graph, directed=False)[1]
        least = _numbers(len(self.hub))
        least[linked] = linked[np.unique(component, return_index=True)[1]][component]
        found: Rows = least[self.hub[rows]]
        return found


@dataclass(frozen=True)
class _Stack:
    """The first views of several tables, one after the other."""

    tables: Sequence[Representations]

    def _plain(self) -> Iterator[Representations]:
        for table in self.tables:
            yield replace(table, views=table.views[:1], labels=None, transform=None)

    def projected(self) -> NDArray[np.float64]:
        """(M, 1 + P): ln‖x‖ and projections of x/‖x‖, in units in which copies differ by at most one.

        They are kept in a temporary file, mapped: of a million rows they are 56 MB.
        """
        dim = self.tables[0].dim
        generator = torch.Generator().manual_seed(0)
        directions = torch.randn(dim, _PROJECTIONS, generator=generator, dtype=torch.float64)
        directions = directions / torch.linalg.vector_norm(directions, dim=0)
        # ‖x/‖x‖ − x′/‖x′‖‖ and |ln‖x‖ − ln‖x′‖| are at most 1.001 times the tolerance for copies; of that
        # a random direction sees the part 1/√d.
        unit = 1.001 * TOLERANCE * min(1.0, _DEVIATIONS / dim**0.5)
        count = sum(table.count for table in self.tables)
        with tempfile.TemporaryFile() as file:
            for table in self._plain():
                for (x,), _ in table.chunks():
                    scale = x.abs().amax(1, keepdim=True).clamp_min(1e-300)
                    scaled = x / scale  # squares neither over- nor underflow
                    norm = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
                    size = (scale * norm).clamp_min(1e-300).log() / (1.001 * TOLERANCE)
                    place = torch.cat([size, scaled / norm.clamp_min(1e-300) @ directions / unit], dim=1)
                    with writing(tempfile.gettempdir()):
                        file.write(place.numpy().data)
            file.flush()
            return np.memmap(file, np.float64, "r", shape=(count, 1 + _PROJECTIONS))

    def read(self, rows: Rows) -> Tensor:
        """These rows, (R, d) float64, in this order."""
        found = torch.empty(len(rows), self.tables[0].dim, dtype=torch.float64)
        start = 0
        for table in self._plain():
            mine = np.flatnonzero((rows >= start) & (rows < start + table.count))
            if len(mine):
                order = mine[np.argsort(rows[mine], kind="stable")]
                read = [x for (x,), _ in table.chunks(items=rows[order] - start)]
                found[torch.from_numpy(order)] = torch.cat(read)
            start += table.count
        return found

    def distances(self, pairs: Rows) -> NDArray[np.float64]:
        """‖x − x′‖/max(‖x‖, ‖x′‖) of pairs of rows (P, 2), 0 for two zeros."""
        found = [np.zeros(0)]
        for start in range(0, len(pairs), _BLOCK):
            block = pairs[start : start + _BLOCK]
            rows, inverse = np.unique(block, return_inverse=True)
            x = self.read(rows)
            a, b = (x[torch.from_numpy(side)] for side in inverse.reshape(block.shape).T)
            scale = torch.maximum(a.abs().amax(1), b.abs().amax(1)).clamp_min(1e-300)[:, None]
            a, b = a / scale, b / scale
            norms = torch.linalg.vector_norm
            size = torch.maximum(norms(a, dim=1), norms(b, dim=1)).clamp_min(1e-300)
            found.append((norms(a - b, dim=1) / size).numpy())
        return np.concatenate(found)


def _numbers(count: int) -> Rows:
    """0..count−1, in four bytes each where that is enough."""
    numbers: Rows = np.arange(count, dtype=np.dtype("int32" if count < 2**31 else "int64"))
    return numbers


def _parts(count: int) -> Iterator[slice]:
    for start in range(0, count, _PART):
        yield slice(start, min(start + _PART, count))


def _coarse(keys: NDArray[Any]) -> NDArray[np.uint32]:
    """The upper halves of 64-bit keys: where these differ, keys do."""
    upper: NDArray[np.uint32] = (keys.view(np.uint64) >> np.uint64(32)).astype(np.uint32)
    return upper


def _several(coarse: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Those that stand there more than once, ascending; sorts what it is given."""
    coarse.sort()
    return np.unique(coarse[1:][coarse[1:] == coarse[:-1]])


def _contained(values: NDArray[Any], ordered: NDArray[Any]) -> Rows:
    """Places of the values that an ascending array holds."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return np.flatnonzero(ordered[at] == values)


def _repeats(keys: NDArray[Any]) -> tuple[Rows, Rows]:
    """(rows whose key an earlier row has, ascending; the first row with that key)."""
    again = _several(_coarse(keys))
    found = [part.start + _contained(_coarse(keys[part]), again) for part in _parts(len(keys))]
    members = np.concatenate([np.zeros(0, np.int64), *found])
    _, first, inverse = np.unique(keys[members], return_index=True, return_inverse=True)
    leaders = members[first][inverse.ravel()]
    rest = leaders != members
    return members[rest], leaders[rest]


def _cells(places: NDArray[np.float64], hubs: Rows, side: float) -> Rows:
    """A key for the cell of each of these places; different cells share one with a chance of about 2⁻⁶⁰."""
    found = np.empty(len(hubs), dtype=np.int64)
    for part in _parts(len(hubs)):
        found[part] = np.floor(places[hubs[part]] / side).astype(np.int64) @ _ODD
    return found


def _hubs(stack: _Stack, places: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    """A hub for each row, and how far the rows of each hub lie from it, in tolerances, (M,) each."""
    hub = _numbers(len(places))
    spread = np.zeros(len(places))
    cells = _cells(places, hub, 1.0 / 8.0)
    waiting = hub  # all rows
    for _ in range(_ROUNDS):
        rows, first = _repeats(cells)
        if not len(rows):
            break
        order = np.argsort(first, kind="stable")  # so that a leader is read once, not once a block
        rows, first = rows[order], first[order]
        followers, leaders = waiting[rows], waiting[first]
        apart = stack.distances(np.stack([followers, leaders], 1)) / TOLERANCE
        near = apart <= 1.0
        hub[followers[near]] = leaders[near]
        np.maximum.at(spread, leaders[near], apart[near])
        keep = np.sort(rows[~near])
        waiting, cells = waiting[keep], cells[keep]
    return hub, spread


def _links(stack: _Stack, places: NDArray[np.float64], hub: Rows, spread: NDArray[np.float64]) -> Rows:
    """Pairs of hubs with rows that may be copies; changes `hub` where rows crowd."""
    side, unseen = 1.0, False
    while True:
        every = _numbers(len(hub))
        hubs = every[hub == every]
        reach = 1.0 + 2.0 * float(spread[hubs].max(initial=0.0))
        pairs = _close(places, hubs, reach)
        if pairs is not None:
            break
        unseen = True
        followers, leaders = _repeats(_cells(places, hubs, side))
        merged = every
        merged[hubs[followers]] = hubs[leaders]
        hub[:] = merged[hub]
        np.maximum.at(spread, merged[hubs], side)
        side *= 2.0
    if unseen or not len(pairs):
        return pairs
    near: Rows = pairs[stack.distances(pairs) / TOLERANCE <= 1.0 + spread[pairs].sum(axis=1)]
    return near


def _close(places: NDArray[np.float64], hubs: Rows, reach: float) -> Rows | None:
    """Pairs of these rows whose places differ by at most `reach` in every coordinate; None where they crowd.

    Places go into cells, and into the neighbouring cells of which they are within reach; then one of two close places
    stands in the own cell of the other, and cells that hold several are found by sorting.
    """
    for dims, cells in ((4, 16.0), (places.shape[1], 16.0), (places.shape[1], 4.0)):
        grown = array("I")  # grows in place
        for _, key, _ in _entries(places, hubs, dims, cells, reach):
            grown.frombytes(_coarse(key).tobytes())
        entries, again = len(grown), _several(np.frombuffer(grown, np.uint32))
        del grown
        few = [
            (rows[at], key[at], own[at])
            for rows, key, own in _entries(places, hubs, dims, cells, reach)
            if len(at := _contained(_coarse(key), again))
        ]
        if not few:
            return _nothing()
        rows, key, own = (np.concatenate(column) for column in zip(*few, strict=True))
        order = np.argsort(key, kind="stable")
        rows, key, own = rows[order], key[order], own[order]
        sizes = np.diff(np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1], [True]])))
        if int((sizes * (sizes - 1)).sum()) <= _CROWD * entries:
            break
    else:
        return None
    found = [_nothing()]
    for step in range(1, int(sizes.max(initial=0))):
        at = np.flatnonzero((key[step:] == key[:-step]) & (own[step:] | own[:-step]))
        for part in _parts(len(at)):
            a, b = rows[at[part]], rows[at[part] + step]
            close = (a != b) & (np.abs(places[a] - places[b]) <= reach).all(axis=1)
            found.append(np.stack([np.minimum(a, b), np.maximum(a, b)], 1)[close])
    pairs: Rows = np.unique(np.concatenate(found), axis=0)
    return pairs


def _entries(
    places: NDArray[np.float64], hubs: Rows, dims: int, cells: float, reach: float
) -> Iterator[tuple[Rows, Rows, Mask]]:
    """Part by part (row, key of a cell, whether it is the row's own) for each cell that a row lies in or within reach of."""
    for part in _parts(len(hubs)):
        rows = hubs[part]
        at, cell, own = _neighbours(places[rows][:, :dims] / (cells * reach), 1.0 / cells)
        yield rows[at], cell @ _ODD[:dims], own


def _neighbours(scaled: NDArray[np.float64], margin: float) -> tuple[Rows, Rows, Mask]:
    """(row, cell, whether it is the row's own cell) for every cell that a row lies in or within `margin` of."""
    rows, own = np.arange(len(scaled)), np.ones(len(scaled), dtype=bool)
    cell = np.floor(scaled).astype(np.int64)
    for j in range(scaled.shape[1]):
        inside = scaled[rows, j] - np.floor(scaled[rows, j])
        parts = [(rows, cell, own)]
        for shift, near in ((-1, inside <= margin), (1, inside >= 1.0 - margin)):
            moved = cell[near].copy()
            moved[:, j] += shift
            parts.append((rows[near], moved, np.zeros(int(near.sum()), dtype=bool)))
        rows, cell, own = (np.concatenate(column) for column in zip(*parts, strict=True))
    return rows, cell, own


def _offsets(counts: Mapping[str, int]) -> dict[str, int]:
    starts = np.cumsum([0, *counts.values()])
    return dict(zip(counts, starts.tolist(), strict=False))


def _nothing() -> Rows:
    return np.zeros((0, 2), dtype=np.int64)


def fingerprints(table: Representations) -> NDArray[np.uint64] | None:
    """64-bit fingerprints of the images behind the first view, (N,), where the table carries them.

    Vectors have none here: those of two runs of an encoder differ by rounding.
    """
    found = getattr(table, "fingerprints", None)
    if found is None or getattr(table, "fingerprinted", None) == "vectors":
        return None
    return np.asarray(found)[:, 0]


def joined(component: Rows) -> Rows:
    """(V, m) numbers of the views of m pairs -> (m,) a number a pair, equal where pairs share a number, however far."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    views, m = component.shape
    top = m + int(component.max()) + 1
    graph = coo_array(
        (np.ones(views * m, dtype=np.int8), (np.tile(np.arange(m), views), m + component.ravel())),
        shape=(top, top),
    )
    found: Rows = connected_components(graph, directed=False)[1].astype(np.int64)[:m]
    return found
