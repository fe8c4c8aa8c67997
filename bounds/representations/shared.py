"""Items that two data sets have in common: looked for by fingerprints of the items, else by their representations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bounds.data.fingerprints import fingerprints
from bounds.representations.table import Representations


@dataclass(frozen=True)
class Shared:
    """What a search for common items found.

    Attributes:
        by: What was compared: "images", "vectors" (the representations), or None where neither could tell.
        count: Rows of the first data set that occur in the second.
        repeats: Rows of the first that equal another row of it.
    """

    by: str | None
    count: int
    repeats: int


def shared_rows(one: Representations, other: Representations) -> Shared:
    """Rows of one table whose items occur in another, at either view.

    Images are compared before views and preprocessing. Where only the representations of one side are known, those are
    compared, as float32 and before normalisation: equal vectors may belong to different images, and augmented views
    never equal the image, so that for pairs of augmentations nothing is found that way.
    """
    if (
        one.fingerprints is not None
        and other.fingerprints is not None
        and one.fingerprinted == other.fingerprinted
    ):
        kind = one.fingerprinted
        mine, theirs = one.fingerprints[:, 0], other.fingerprints.ravel()
    elif _augmented(other):
        return Shared(None, 0, 0)
    else:
        kind = "vectors"
        mine, theirs = (
            _of_vectors(one, 0),
            np.concatenate([_of_vectors(other, v) for v in range(len(other.views))]),
        )
    _, inverse, counts = np.unique(mine, return_inverse=True, return_counts=True)
    return Shared(kind, int(np.isin(mine, theirs).sum()), int((counts[inverse] > 1).sum()))


def _augmented(table: Representations) -> bool:
    """Whether the two views of a row were made of one item."""
    return table.fingerprints is not None and table.fingerprints.shape[1] < len(table.views)


def _of_vectors(table: Representations, view: int) -> np.ndarray:
    plain = replace(table, views=(table.views[view],), labels=None, transform=None)
    found, start = np.empty(table.count, np.uint64), 0
    for (x,), _ in plain.chunks():
        found[start : start + len(x)] = fingerprints(x)
        start += len(x)
    return found
