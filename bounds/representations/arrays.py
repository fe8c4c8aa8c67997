"""Vectors in arrays as a table: what calls take that need no images, files or encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from bounds.data.checks import as_tensor, check_labels, every_label, kind_of
from bounds.errors import InvalidData
from bounds.representations.table import Representations


def as_table(data: Any, name: str = "data", *, pairs: bool = False) -> Representations:
    """A table from a `Representations`, an array (N, d), or a tuple (z, y), (z1, z2), (z1, z2, y).

    Args:
        data: One of these; arrays of numpy or torch.
        name: What to call it in errors.
        pairs: Whether two views are needed.

    Raises:
        InvalidData: none of these, shapes or labels that do not fit, or one view where two are needed.
    """
    table = data if isinstance(data, Representations) else _from_arrays(data, name)
    if pairs and len(table.views) != 2:
        raise InvalidData(f"`{table.name}` has one view of each item; give pairs, (z1, z2) or (z1, z2, y).")
    return table


def _from_arrays(data: Any, name: str) -> Representations:
    where = f"`{name}`"
    parts = list(data) if isinstance(data, tuple | list) else [data]
    try:
        parts = [part if isinstance(part, Tensor | np.ndarray) else np.asarray(part) for part in parts]
    except (TypeError, ValueError) as err:
        raise InvalidData(f"{where} must be an array (N, d) or a tuple of arrays ({err}).") from err
    labels = parts.pop() if len(parts) > 1 and parts[-1].ndim == 1 else None
    for part in parts:
        if part.ndim != 2:
            raise InvalidData(
                f"{where} must be an array (N, d) or a tuple of arrays, got shape {tuple(part.shape)}."
            )
        kind_of(part.shape, part.dtype, where)
    views = tuple(as_tensor(part, where) for part in parts)
    if labels is not None:
        labels = check_labels(labels, len(views[0]), None, where)
        every_label(labels, where)
    return Representations(views, labels, name)
