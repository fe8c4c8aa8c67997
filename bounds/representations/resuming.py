"""Stored rows are used again only if these items and this encoder made them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from bounds.data.arrays import ArraySource
from bounds.data.base import Batch, Chain, Source
from bounds.data.parquet import ParquetSource
from bounds.encoders.one_image import REDUCED, relative_gap
from bounds.errors import InvalidOption
from bounds.representations.store import RepresentationStore


def identifies(source: Source) -> bool:
    """Whether the fingerprint of the data covers every byte of it, so that equal fingerprints are equal data."""
    if isinstance(source, Chain):
        return all(identifies(part) for part in source.parts)
    return isinstance(source, ArraySource | ParquetSource)


def check_items(stored: RepresentationStore, batches: Iterable[Batch], where: str) -> None:
    """Compare the items and labels that stored rows were made from with those that come now.

    Args:
        stored: The rows that are there.
        batches: The items of these rows.
        where: The data, for messages.

    Raises:
        InvalidOption: items or labels have changed, are fewer, or the store does not say what it was made from.
    """
    if stored.fingerprints is None:
        raise _other(stored, f"does not say from which items of {where} it was made")
    kept, labels, row = stored.fingerprints[1], stored.labels, 0
    for batch in batches:
        rows = slice(row, row + batch.count)
        same = np.array_equal(kept[rows], batch.fingerprints)
        if labels is not None and batch.labels is not None:
            same &= np.array_equal(labels[rows], batch.labels.numpy())
        if not same:
            raise _other(
                stored, f"was made from other items or labels than rows {row} to {rows.stop - 1} of {where}"
            )
        row = rows.stop
    if row < stored.count:
        raise _other(stored, f"was made from more items than {where} has now")


def check_first_rows(stored: RepresentationStore, vectors: tuple[Tensor, ...]) -> None:
    """Compare stored rows with what the encoder makes of the first items now.

    Raises:
        InvalidOption: they differ by more than rounding between devices explains.
    """
    few = len(vectors[0])
    if len(stored.views) != len(vectors) or any(
        relative_gap(torch.from_numpy(np.array(view[:few])), z) > REDUCED
        for view, z in zip(stored.views, vectors, strict=True)
    ):
        raise _other(stored, "holds other representations of its first items than this encoder gives")


def _other(stored: RepresentationStore, what: str) -> InvalidOption:
    return InvalidOption(
        f"{stored.folder} {what}; give another folder, or delete this one to make the representations anew."
    )
