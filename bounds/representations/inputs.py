"""Everything `labeled`, `unlabeled` and `test` may be, opened as one kind of object."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from bounds.data.arrays import ArraySource
from bounds.data.base import Batch, Chain, Source
from bounds.data.datasets import DatasetSource, LoaderSource
from bounds.data.files import array_file
from bounds.data.folders import FolderSource
from bounds.data.parquet import ParquetSource
from bounds.errors import InvalidData, InvalidInput

__all__ = ["Batch", "Source", "open_source"]

_ACCEPTED = (
    "arrays or tensors x, (x, y), (x1, x2) or (x1, x2, y), a torch Dataset or DataLoader, "
    "or a path, glob or list of paths (.npz, .safetensors, .parquet, a folder)"
)


def open_source(data: Any, *, name: str, num_classes: int | None = None) -> Source:
    """Open data of any accepted form; nothing but labels and the first item is read yet.

    Args:
        data: One of

            - an array or tensor x: images uint8 or float in [0, 1], (N, C, H, W), (N, H, W, C) or (N, H, W)
              with 1 or 3 channels; or vectors (N, d), which are taken as representations;
            - (x, y), (x1, x2) or (x1, x2, y); a second entry of one axis is y;
            - a `Dataset` with items x, (x, y), (x1, x2, y) or ((x1, x2), y); a `DataLoader` of such;
            - a path, a glob pattern or a list of paths, in order: `.npz` and `.safetensors` with x, y or
              x1, x2, y; `.parquet` with `img` and `label`; a folder of images with one sub-folder per class;
              a folder written by `save_representations`.
        name: The argument, for error messages.
        num_classes: Number of classes; labels beyond are refused.

    Raises:
        InvalidInput: no such file, no match, an unknown type.
        InvalidData: contents that cannot be used; the file and the row are named.
    """
    where = f"`{name}`"
    if isinstance(data, str | os.PathLike):
        return _open_paths(_matches(data, where), where, num_classes)
    if (
        isinstance(data, list | tuple)
        and data
        and all(isinstance(entry, str | os.PathLike) for entry in data)
    ):
        return _open_paths([path for entry in data for path in _matches(entry, where)], where, num_classes)
    if isinstance(data, DataLoader | IterableDataset):
        return LoaderSource(data, where, num_classes)
    if isinstance(data, Dataset):
        return DatasetSource(data, where, num_classes)
    if isinstance(data, np.ndarray | Tensor):
        return ArraySource((data,), None, where, num_classes)
    if isinstance(data, list | tuple) and len(data) in (2, 3):
        return _open_arrays(data, where, num_classes)
    raise InvalidInput(f"{where} is a {type(data).__name__}; give {_ACCEPTED}.")


def _open_arrays(data: Sequence[Any], where: str, num_classes: int | None) -> Source:
    pair = len(data) == 3 or np.ndim(data[1]) != 1
    arrays, labels = (tuple(data[:2]), data[2] if len(data) == 3 else None) if pair else ((data[0],), data[1])
    for array in arrays:
        if not isinstance(array, np.ndarray | Tensor):
            raise InvalidInput(f"{where} holds a {type(array).__name__}; give {_ACCEPTED}.")
    return ArraySource(arrays, labels, where, num_classes)


def _matches(entry: str | os.PathLike[str], where: str) -> list[Path]:
    path = Path(entry).expanduser()
    if path.exists():
        return [path]
    if not glob.has_magic(str(path)):
        raise InvalidInput(f"{where}: there is no file or folder {str(entry)!r}.")
    found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    if not found:
        raise InvalidInput(f"{where}: nothing matches {str(entry)!r}.")
    return found


def _open_paths(paths: list[Path], where: str, num_classes: int | None) -> Source:
    parts = [_open_path(path, f"{where} ({path.name})", num_classes) for path in paths]
    return parts[0] if len(parts) == 1 else Chain(parts, where)


def _open_path(path: Path, where: str, num_classes: int | None) -> Source:
    from bounds.representations.store import MANIFEST, RepresentationStore

    if (path / MANIFEST).is_file():
        return RepresentationStore.open(path).source(where, num_classes)
    if path.is_dir():
        return FolderSource(path, where, num_classes)
    if path.suffix == ".parquet":
        return ParquetSource(path, where, num_classes)
    if path.suffix in (".npz", ".safetensors"):
        return array_file(path, where, num_classes)
    raise InvalidData(f"{where} is of no known type; give .npz, .safetensors, .parquet or a folder.")
