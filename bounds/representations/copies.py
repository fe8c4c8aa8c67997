"""Copies among the rows of several tables: equal fingerprints, or representations that differ by rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bounds.representations.table import Representations

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Well above the rounding of an encoder between batch sizes and devices, well below what two images differ by.
TOLERANCE = 1e-4
_PROJECTIONS = 6
_DEVIATIONS = 5.5  # of a projection of a difference: beyond it lies less than 4e-8 of the sphere
_ROUNDS = 4
_CROWD = 16  # candidates a row, from which rows count as copies unseen
_BLOCK = 2048
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
        _, first, inverse = np.unique(stacked, return_index=True, return_inverse=True)
        return cls(_offsets({name: len(one) for name, one in tables.items()}), first[inverse], _nothing())

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
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        hubs, own = np.unique(self.hub[rows], return_inverse=True)
        inside = self.links[np.isin(self.links, hubs).all(axis=1)]
        a, b = np.searchsorted(hubs, inside).T
        graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(hubs), len(hubs)))
        labels: Rows = connected_components(graph, directed=False)[1].astype(np.int64)[own]
        return labels

    def among(self, rows: Rows, others: Rows) -> Mask:
        """Which of these rows are copies of one of the others."""
        hubs = np.unique(self.hub[others])
        touched = self.links[np.isin(self.links, hubs).any(axis=1)]
        found: Mask = np.isin(self.hub[rows], np.concatenate([hubs, touched.ravel()]))
        return found


@dataclass(frozen=True)
class _Stack:
    """The first views of several tables, one after the other."""

    tables: Sequence[Representations]

    def _plain(self) -> Iterator[Representations]:
        for table in self.tables:
            yield replace(table, views=table.views[:1], labels=None, transform=None)

    def projected(self) -> NDArray[np.float64]:
        """(M, 1 + P): ln‖x‖ and projections of x/‖x‖, in units in which copies differ by at most one."""
        dim = self.tables[0].dim
        generator = torch.Generator().manual_seed(0)
        directions = torch.randn(dim, _PROJECTIONS, generator=generator, dtype=torch.float64)
        directions = directions / torch.linalg.vector_norm(directions, dim=0)
        # ‖x/‖x‖ − x′/‖x′‖‖ and |ln‖x‖ − ln‖x′‖| are at most 1.001 times the tolerance for copies; of that
        # a random direction sees the part 1/√d.
        unit = 1.001 * TOLERANCE * min(1.0, _DEVIATIONS / dim**0.5)
        found = []
        for table in self._plain():
            for (x,), _ in table.chunks():
                scale = x.abs().amax(1, keepdim=True).clamp_min(1e-300)
                scaled = x / scale  # squares neither over- nor underflow
                norm = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
                size = (scale * norm).clamp_min(1e-300).log() / (1.001 * TOLERANCE)
                found.append(torch.cat([size, scaled / norm.clamp_min(1e-300) @ directions / unit], dim=1))
        return torch.cat(found).numpy()

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


def _hubs(stack: _Stack, places: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    """A hub for each row, and how far the rows of each hub lie from it, in tolerances, (M,) each."""
    hub = np.arange(len(places))
    spread = np.zeros(len(places))
    cells = np.floor(places * 8.0).astype(np.int64) @ _ODD
    waiting = np.arange(len(places))
    for _ in range(_ROUNDS):
        _, first, inverse = np.unique(cells[waiting], return_index=True, return_inverse=True)
        leader = waiting[first][inverse.ravel()]
        behind = np.flatnonzero(leader != waiting)
        behind = behind[
            np.argsort(leader[behind], kind="stable")
        ]  # so that a leader is read once, not once a block
        followers, leaders = waiting[behind], leader[behind]
        if not len(followers):
            break
        apart = stack.distances(np.stack([followers, leaders], 1)) / TOLERANCE
        near = apart <= 1.0
        hub[followers[near]] = leaders[near]
        np.maximum.at(spread, leaders[near], apart[near])
        waiting = np.sort(followers[~near])
    return hub, spread


def _links(stack: _Stack, places: NDArray[np.float64], hub: Rows, spread: NDArray[np.float64]) -> Rows:
    """Pairs of hubs with rows that may be copies; changes `hub` where rows crowd."""
    side, unseen = 1.0, False
    while True:
        hubs = np.flatnonzero(hub == np.arange(len(hub)))
        reach = 1.0 + 2.0 * float(spread[hubs].max(initial=0.0))
        found = _close(places[hubs], reach)
        if found is not None:
            break
        unseen = True
        cells = np.floor(places[hubs] / side)
        _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        merged = np.arange(len(hub))
        merged[hubs] = hubs[first][inverse.ravel()]
        hub[:] = merged[hub]
        np.maximum.at(spread, merged[hubs], side)
        side *= 2.0
    pairs = hubs[found]
    if unseen or not len(pairs):
        return pairs
    near: Rows = pairs[stack.distances(pairs) / TOLERANCE <= 1.0 + spread[pairs].sum(axis=1)]
    return near


def _close(places: NDArray[np.float64], reach: float) -> Rows | None:
    """Pairs of places that differ by at most `reach` in every coordinate; None where they crowd.

    Places go into cells, and into the neighbouring cells of which they are within reach; then one of two close places
    stands in the own cell of the other, and cells are found by sorting.
    """
    for dims, cells in ((4, 16.0), (places.shape[1], 16.0), (places.shape[1], 4.0)):
        side = cells * reach
        rows, cell, own = _entries(places[:, :dims] / side, 1.0 / cells)
        key = cell @ _ODD[:dims]  # equal cells have equal keys; the others are compared below
        order = np.argsort(key, kind="stable")
        rows, key, own = rows[order], key[order], own[order]
        sizes = np.diff(np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1], [True]])))
        if int((sizes * (sizes - 1)).sum()) <= _CROWD * len(rows):
            break
    else:
        return None
    found = [_nothing()]
    for step in range(1, int(sizes.max(initial=0))):
        at = np.flatnonzero((key[step:] == key[:-step]) & (own[step:] | own[:-step]))
        a, b = rows[at], rows[at + step]
        close = (a != b) & (np.abs(places[a] - places[b]) <= reach).all(axis=1)
        found.append(np.stack([np.minimum(a, b), np.maximum(a, b)], 1)[close])
    pairs: Rows = np.unique(np.concatenate(found), axis=0)
    return pairs


def _entries(scaled: NDArray[np.float64], margin: float) -> tuple[Rows, Rows, Mask]:
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
