"""HDF5 and zarr: arrays that are read slice by slice, `x` or `x1`, `x2`, and `y`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.arrays import ArraySource
from bounds.data.columns import ANY, Columns
from bounds.data.files import file_fingerprint
from bounds.errors import InvalidData, MissingDependency

HDF5 = (".h5", ".hdf5")


def chunked(path: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> ArraySource:
    """A source over the arrays of an HDF5 file or a zarr folder.

    Raises:
        MissingDependency: h5py or zarr is not installed.
        InvalidData: it cannot be read, or has no such arrays.
    """
    hdf5 = path.suffix in HDF5
    name = "h5py" if hdf5 else "zarr"
    try:
        if hdf5:
            import h5py

            group: Any = h5py.File(path, "r")
        else:
            import zarr

            group = zarr.open_group(str(path), mode="r")
        keys = list(group.keys())
    except ImportError as err:
        raise MissingDependency(
            f"{where} needs `{name}`; install it with `pip install 'ssl-bounds[{name}]'`."
        ) from err
    except (OSError, ValueError, KeyError) as err:
        raise InvalidData(f"{where} cannot be read as {path.suffix} ({err}).") from err
    views, label = columns.pick(keys, where)
    arrays = tuple(group[view] for view in views)
    for view, array in zip(views, arrays, strict=True):
        if not hasattr(array, "shape"):
            raise InvalidData(f"{where} has a group in {view!r}; an array is needed.")
    labels = None if label is None else np.asarray(group[label][:])
    shapes = {view: list(array.shape) for view, array in zip(views, arrays, strict=True)}
    identity = {"type": name, "file": path.name, "shapes": shapes}
    return ArraySource(
        arrays, labels, where, num_classes, lambda: file_fingerprint(path) if hdf5 else identity
    )
