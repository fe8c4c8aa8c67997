"""Masked arrays: what is masked would be read as if it were data."""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.errors import InvalidData


def refuse_masked(array: Any, where: str, first_row: int = 0) -> None:
    """Refuse a numpy masked array with a masked entry; anything else passes.

    Raises:
        InvalidData: naming the first such row, counted from `first_row`.
    """
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        mask = np.ma.getmaskarray(array)
        row = first_row + (int(np.argwhere(mask)[0, 0]) if mask.ndim else 0)
        raise InvalidData(f"{where} has a masked entry in row {row}; fill it in or leave the row out.")
