"""Reads what the measures accept, one table or a pair of tables of vectors, into checked float tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bounds.data.masks import refuse_masked
from bounds.errors import InvalidData
from bounds.representations.table import Representations


def as_rows(data: Any, name: str = "representations", *, least: int = 1) -> Tensor:
    """One finite float tensor (N, d), on the device of the input and detached.

    The floating type is kept; half precision becomes float32, integers float64.

    Args:
        data: Representations (the first view is read), tensor, array or memory map.
        name: What to call it in errors.
        least: Fewest rows that the caller can use.

    Raises:
        InvalidData: not two-dimensional, too few rows, complex, or NaN or infinity, naming the row.
    """
    source = _table_rows(data, 0) if isinstance(data, Representations) else data
    refuse_masked(source, f"`{name}`")
    try:
        rows = source.detach() if isinstance(source, Tensor) else torch.as_tensor(np.asarray(source))
    except (TypeError, ValueError) as error:
        raise InvalidData(
            f"`{name}` must be an array of numbers (N, d), got {type(source).__name__}."
        ) from error
    if rows.ndim != 2 or 0 in rows.shape:
        raise InvalidData(
            f"`{name}` must be (N, d) with at least one item and dimension, got shape {tuple(rows.shape)}."
        )
    if len(rows) < least:
        raise InvalidData(f"`{name}` needs at least {least} rows here, got {len(rows)}.")
    if rows.is_complex():
        raise InvalidData(f"`{name}` must be real, got {rows.dtype}.")
    if not rows.is_floating_point():
        rows = rows.double()  # float32 has no odd integers beyond 2^24
    elif rows.dtype not in (torch.float32, torch.float64):
        rows = rows.float()
    # One reduction in the usual case: a sum is finite only if every entry is.
    if not bool(torch.isfinite(rows.sum(dtype=torch.float64))):
        bad = (~torch.isfinite(rows).all(dim=1)).nonzero()
        if len(bad):
            raise InvalidData(
                f"`{name}` has NaN or infinity in row {int(bad[0, 0])}; remove the row or mend the encoder."
            )
    return rows


def as_pair(data: Any, name: str = "representations", *, least: int = 2) -> tuple[Tensor, Tensor]:
    """Two tensors (N, d) of matching rows from two-view Representations or a pair of arrays.

    Raises:
        InvalidData: one view only, or shapes that differ.
    """
    views: Any = data
    if isinstance(data, Representations):
        views = [_table_rows(data, view) for view in range(len(data.views))]
    if not isinstance(views, tuple | list) or len(views) != 2:
        raise InvalidData(
            f"`{name}` must hold two views of each item: Representations with two views, or a pair (x1, x2)."
        )
    first, second = (as_rows(view, f"{name}, view {i}", least=least) for i, view in enumerate(views, 1))
    if first.shape != second.shape:
        raise InvalidData(
            f"The views of `{name}` must have one shape, got {tuple(first.shape)} and {tuple(second.shape)}."
        )
    wider = torch.promote_types(first.dtype, second.dtype)  # no digit of either is lost
    return first.to(wider), second.to(first.device, wider)


def _table_rows(table: Representations, view: int) -> Any:
    """A view as it stands in memory, or read and transformed chunk by chunk in its own precision."""
    source = table.views[view]
    if table.transform is None and isinstance(source, Tensor | np.ndarray):
        return source
    precision = torch.float64 if "float64" in str(source.dtype) else torch.float32
    return torch.cat([views[view].to(precision) for views, _ in table.chunks()])


def unit_rows(rows: Tensor, name: str = "representations") -> Tensor:
    """Rows divided by their l2 norm, in float64: directions rounded to float32 have cosines above one.

    Raises:
        InvalidData: a row of zeros, which has no direction.
    """
    rows = rows.double()
    largest = rows.abs().amax(dim=1, keepdim=True)
    if not bool((largest > 0).all()):
        row = int((largest[:, 0] == 0).nonzero()[0, 0])
        raise InvalidData(f"`{name}` has a row of zeros (row {row}), which has no direction; remove it.")
    rows = rows / largest  # squares neither over- nor underflow
    scaled: Tensor = rows / torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return scaled


def row_chunks(rows: Tensor, size: int) -> Iterator[Tensor]:
    """Consecutive slices of `size` rows."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
