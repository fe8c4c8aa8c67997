"""Groups inside T (patients, films, scenes): rows of one group are not independent, one seeded row of each is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bounds.draws import permutation
from bounds.errors import InvalidOption

_STREAM = 40


def one_a_group(groups: Any, data: Any, count: int, seed: int) -> NDArray[np.int64]:
    """Rows of T to use: a random one of each group, in the order of T.

    Args:
        groups: One integer or string a row, (N,); or the name of a column of `data`.
        data: The option `test`, from which a named column is read.
        count: N.
        seed: Of the choice.

    Raises:
        InvalidOption: no such column, or another length.
    """
    values = _column(groups, data) if isinstance(groups, str) else np.asarray(groups)
    if values.shape != (count,):
        raise InvalidOption(
            f"`groups` in `declared` must have one entry per test row ({count}), got shape {values.shape}."
        )
    order = permutation(seed, count, _STREAM)
    return np.sort(order[np.unique(values[order], return_index=True)[1]])


def _column(name: str, data: Any) -> NDArray[Any]:
    try:
        if isinstance(data, str | Path) and Path(data).suffix == ".parquet":
            import pyarrow.parquet

            return np.asarray(pyarrow.parquet.read_table(data, columns=[name])[name].to_numpy())
        if isinstance(data, str | Path) and Path(data).suffix == ".npz":
            with np.load(data) as arrays:
                return np.asarray(arrays[name])
        if not isinstance(data, str | Path | tuple | list):
            return np.asarray(data[name])
    except (KeyError, TypeError, IndexError, ValueError, OSError) as error:
        raise InvalidOption(f"`groups` names the column {name!r}, which `test` lacks ({error}).") from error
    raise InvalidOption(
        f"`groups` names the column {name!r}; pass one integer per test row for this kind of data."
    )
