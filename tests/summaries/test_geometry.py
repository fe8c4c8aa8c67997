"""Geometry and within-class scatter: any chunks and any order of merging give the numbers of the whole."""

from functools import reduce

import pytest
import torch

from bounds.errors import InvalidData
from bounds.evidence.saved import pack, unpack
from bounds.summaries import Geometry, WithinScatter


def views(n=50, d=5):
    g = torch.Generator().manual_seed(3)
    z = torch.randn(n, d, generator=g, dtype=torch.float64) + 2
    other = z + 0.1 * torch.randn(n, d, generator=g, dtype=torch.float64)
    z[7] = 0
    other[9] = 0
    return z, other


def same(one, other):
    assert (one.rows.count, one.directed, one.items.count, one.aligned) == (
        other.rows.count,
        other.directed,
        other.items.count,
        other.aligned,
    )
    assert one.apart == pytest.approx(other.apart)
    for a, b in (
        (one.triangle.T @ one.triangle, other.triangle.T @ other.triangle),
        (one.rows.scatter, other.rows.scatter),
        (one.directions, other.directions),
        (one.items.scatter, other.items.scatter),
        (one.halves, other.halves),
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("sizes", [(50,), (1, 49), (3, 0, 4, 43), (1,) * 50])
def test_chunks_and_merges_give_the_whole(sizes):
    z, other = views()
    whole = Geometry.empty(5).update(z, other)
    parts = [Geometry.empty(5).update(a, b) for a, b in zip(z.split(sizes), other.split(sizes))]
    same(reduce(Geometry.merge, parts, Geometry.empty(5)), whole)
    same(reduce(Geometry.merge, parts[::-1]), whole)
    same(unpack(pack(whole)), whole)


def test_fields_are_what_they_say():
    z, other = views()
    seen = Geometry.empty(5).update(z, other)
    torch.testing.assert_close(torch.linalg.svdvals(seen.triangle), torch.linalg.svdvals(z))
    unit = torch.nn.functional.normalize(z)
    torch.testing.assert_close(seen.directions, unit.T @ unit)
    assert (seen.directed, seen.aligned) == (49, 48)
    kept = [i for i in range(50) if i not in (7, 9)]
    apart = (unit - torch.nn.functional.normalize(other))[kept].square().sum()
    assert seen.apart == pytest.approx(float(apart))
    torch.testing.assert_close(seen.halves, (z - other).T @ (z - other) / 4)
    torch.testing.assert_close(seen.items.matrix(), ((z + other) / 2).T.cov())


def test_fewer_rows_than_dimensions_and_one_view():
    z = views()[0][:3]
    seen = Geometry.empty(5).update(z)
    assert seen.triangle.shape == (5, 5)
    torch.testing.assert_close(torch.linalg.svdvals(seen.triangle)[:3], torch.linalg.svdvals(z))
    assert seen.items.count == 0


def test_other_dimensions_are_refused():
    z, other = views()
    for bad in ((z[:, :3],), (z, other[:, :3]), (z, other[:4]), (z[0],)):
        with pytest.raises(InvalidData, match="one shape"):
            Geometry.empty(5).update(*bad)


@pytest.mark.parametrize("sizes", [(50,), (2, 48), (1,) * 50])
def test_within_scatter_is_around_the_means_of_all(sizes):
    z, _ = views()
    y = torch.arange(50) % 4
    y[y == 2] = 5
    parts = [WithinScatter.empty(5, 6).update(a, b) for a, b in zip(z.split(sizes), y.split(sizes))]
    seen = reduce(WithinScatter.merge, parts)
    means = torch.stack([z[y == c].mean(0) if (y == c).any() else torch.zeros(5) for c in range(6)])
    torch.testing.assert_close(seen.means, means)
    torch.testing.assert_close(seen.scatter, (z - means[y]).T @ (z - means[y]))
    assert seen.counts.tolist() == torch.bincount(y, minlength=6).tolist()
    torch.testing.assert_close(unpack(pack(seen)).scatter, seen.scatter)
