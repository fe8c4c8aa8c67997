"""Everything `labeled`, `unlabeled` and `test` may be, opened as one kind of object."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset

from bounds.data.arrays import ArraySource
from bounds.data.base import Batch, Chain, Source
from bounds.data.checks import is_label
from bounds.data.chunked import HDF5, chunked
from bounds.data.columns import ANY, Columns
from bounds.data.datasets import DatasetSource, LoaderSource
from bounds.data.described import Described
from bounds.data.files import array_file
from bounds.data.folders import IMAGE_SUFFIXES, FolderSource
from bounds.data.huggingface import HuggingFaceSource, is_hugging_face, is_saved, saved
from bounds.data.parquet import ParquetSource
from bounds.data.path_tables import PathTableSource, has_paths
from bounds.data.remote import fetched, is_remote
from bounds.data.sound import Sound
from bounds.data.webdataset import WebDatasetSource
from bounds.errors import InvalidData, InvalidInput

__all__ = ["Batch", "Source", "open_source"]

_SPLIT = re.compile(r"(.+)-\d{5}-of-\d{5}\.parquet")
_ACCEPTED = (
    "arrays or tensors x, (x, y), (x1, x2) or (x1, x2, y), a torch Dataset or DataLoader, "
    "a data set of `datasets`, or a path, glob, URL or list of these (.npz, .npy, .safetensors, .parquet, .csv, .tar, "
    ".h5, .zarr, a folder)"
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
              x1, x2, y; `.npy`, read as a memory map; `.h5` and `.zarr` with such arrays; `.parquet` with `img` and
              `label`, or `.csv` and `.parquet` with paths and `label`; `.tar`, shards of WebDataset; a folder of images
              with one sub-folder per class, of parquet files, of `datasets.save_to_disk` or of
              `save_representations`; URLs of fsspec, copied once;
            - a tuple of `.npy` paths and arrays: (x, y), (x1, x2) or (x1, x2, y);
            - a data set of `datasets`, or what `bounds.load_data` returns.
        name: The argument, for error messages.
        num_classes: Number of classes; labels beyond are refused.

    Raises:
        InvalidInput: no such file, no match, an unknown type.
        InvalidData: contents that cannot be used; the file and the row are named.
    """
    where = f"`{name}`"
    if isinstance(data, Described):
        opened = _open(data.data, where, num_classes, data.columns)
        return Sound(opened) if data.broken == "skip" else opened
    return _open(data, where, num_classes, ANY)


def _open(data: Any, where: str, num_classes: int | None, columns: Columns) -> Source:
    if isinstance(data, tuple) and len(data) in (2, 3) and any(map(_is_npy, data)):
        data = tuple(_mapped(entry, where) if _is_npy(entry) else entry for entry in data)
    if isinstance(data, str | os.PathLike):
        return _open_paths(_matches(data, where), where, num_classes, columns)
    if (
        isinstance(data, list | tuple)
        and data
        and all(isinstance(entry, str | os.PathLike) for entry in data)
    ):
        paths = [path for entry in data for path in _matches(entry, where)]
        return _open_paths(paths, where, num_classes, columns)
    if is_hugging_face(data):
        return HuggingFaceSource(data, where, num_classes, columns)
    if columns != ANY:
        raise InvalidInput(f"{where} is a {type(data).__name__}, which has no columns to name.")
    if isinstance(data, DataLoader | IterableDataset):
        return LoaderSource(data, where, num_classes)
    if isinstance(data, Dataset):
        return DatasetSource(data, where, num_classes)
    if isinstance(data, np.ndarray | Tensor):
        return ArraySource((data,), None, where, num_classes)
    if isinstance(data, list | tuple) and len(data) in (2, 3):
        return _open_arrays(data, where, num_classes)
    raise InvalidInput(f"{where} is a {type(data).__name__}; give {_ACCEPTED}.")


def _is_npy(entry: Any) -> bool:
    return isinstance(entry, str | os.PathLike) and Path(entry).suffix == ".npy"


def _mapped(entry: Any, where: str) -> np.ndarray:
    """A memory map of a `.npy` file, which may be larger than memory.

    Raises:
        InvalidInput: no such file.
        InvalidData: objects, or no such format.
    """
    try:
        found: np.ndarray = np.load(Path(entry).expanduser(), mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as err:
        raise InvalidInput(f"{where}: there is no file {str(entry)!r}.") from err
    except (OSError, ValueError, EOFError) as err:
        raise InvalidData(f"{where} ({Path(entry).name}) cannot be read as .npy ({err}).") from err
    return found


def _open_arrays(data: Sequence[Any], where: str, num_classes: int | None) -> Source:
    pair = len(data) == 3 or not (_is_array(data[0]) and is_label(data[0], data[1], 1, where))
    arrays, labels = (tuple(data[:2]), data[2] if len(data) == 3 else None) if pair else ((data[0],), data[1])
    for array in arrays:
        if not _is_array(array):
            raise InvalidInput(f"{where} holds a {type(array).__name__}; give {_ACCEPTED}.")
    return ArraySource(arrays, labels, where, num_classes)


def _is_array(entry: Any) -> bool:
    return isinstance(entry, np.ndarray | Tensor)


def _matches(entry: str | os.PathLike[str], where: str) -> list[Path]:
    if is_remote(entry):
        return fetched(str(entry), where)
    path = Path(entry).expanduser()
    if path.exists():
        return [path]
    if not glob.has_magic(str(path)):
        raise InvalidInput(f"{where}: there is no file or folder {str(entry)!r}.")
    found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))
    if not found:
        raise InvalidInput(f"{where}: nothing matches {str(entry)!r}.")
    return found


def _open_paths(paths: list[Path], where: str, num_classes: int | None, columns: Columns) -> Source:
    files = [file for path in paths for file in _parquet_layout(path, where) or [path]]
    parts = [_open_path(path, f"{where} ({path.name})", num_classes, columns) for path in files]
    return parts[0] if len(parts) == 1 else Chain(parts, where)


def _parquet_layout(folder: Path, where: str) -> list[Path]:
    """The files of a folder, or of its `data`, that holds parquet files and no images, as data sets are published.

    Raises:
        InvalidInput: files of several splits.
    """
    inner = folder / "data" if (folder / "data").is_dir() else folder
    if not inner.is_dir():
        return []
    entries = [entry for entry in inner.iterdir() if not entry.name.startswith(".")]
    if any(entry.is_dir() or entry.suffix.lower() in IMAGE_SUFFIXES for entry in entries):
        return []
    files = sorted(entry for entry in entries if entry.suffix == ".parquet")
    splits = sorted({match[1] for match in map(_SPLIT.fullmatch, (file.name for file in files)) if match})
    if len(splits) > 1:
        raise InvalidInput(
            f"{where}: {folder.name} holds the splits {', '.join(splits)}; give one, as in "
            f"'{inner.name}/{splits[0]}-*.parquet'."
        )
    return files


def _open_path(path: Path, where: str, num_classes: int | None, columns: Columns) -> Source:
    from bounds.representations.store import MANIFEST, RepresentationStore

    if (path / MANIFEST).is_file():
        return RepresentationStore.open(path).source(where, num_classes)
    if path.suffix in HDF5 or path.suffix == ".zarr":
        return chunked(path, where, num_classes, columns)
    if path.is_dir():
        if is_saved(path):
            return saved(path, where, num_classes, columns)
        return FolderSource(path, where, num_classes)
    if path.suffix in (".csv", ".tsv") or (path.suffix == ".parquet" and has_paths(path, columns, where)):
        return PathTableSource(path, where, num_classes, columns)
    if path.suffix == ".parquet":
        return ParquetSource(path, where, num_classes, columns)
    if path.suffix == ".tar":
        return WebDatasetSource(path, where, num_classes, columns)
    if path.suffix == ".npy":
        return ArraySource((_mapped(path, where),), None, where, num_classes)
    if path.suffix in (".npz", ".safetensors"):
        return array_file(path, where, num_classes, columns)
    raise InvalidData(
        f"{where} is of no known type; give .npz, .npy, .safetensors, .parquet, .csv, .tar, .h5, .zarr or a folder."
    )
