"""What may be handed to classes of functions of vectors: a table, an array, a tuple of arrays."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from torch import Tensor

from bounds.data.masks import refuse_masked
from bounds.errors import InvalidData
from bounds.representations.table import Representations


def as_table(data: Any, *, pairs: bool, name: str = "data") -> Representations:
    """A table from a `Representations`, an array (N, d), or a tuple (z, y), (z1, z2), (z1, z2, y).

    Raises:
        InvalidData: shapes that are none of these, or one view where the class is about pairs.
    """
    table = data if isinstance(data, Representations) else _from_arrays(data, name)
    if pairs and len(table.views) != 2:
        raise InvalidData(f"`{table.name}` has one view; this class is about pairs, give (z1, z2).")
    return table


def _from_arrays(data: Any, name: str) -> Representations:
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not parts or not all(hasattr(part, "shape") for part in parts):
        raise InvalidData(
            f"`{name}` must be a table, an array (N, d) or a tuple of arrays, got {type(data).__name__}."
        )
    for part in parts:
        if not re.search("float|int|bool", str(part.dtype)):
            raise InvalidData(f"`{name}` must hold real numbers, got {part.dtype}.")
    labels = None
    if len(parts) > 1 and len(parts[-1].shape) == 1:
        last = parts[-1]
        refuse_masked(last, f"`{name}`, among its labels,")
        labels = np.asarray(last.cpu() if isinstance(last, Tensor) else last)
        parts = parts[:-1]
        if not np.issubdtype(labels.dtype, np.integer):
            raise InvalidData(f"The labels of `{name}` must be integers, got {labels.dtype}.")
    return Representations(parts, None if labels is None else labels.astype(np.int64), name)
