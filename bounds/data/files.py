"""Array files, `.npz` and `.safetensors`: read slice by slice, never whole, and never as pickles."""

from __future__ import annotations

import hashlib
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.lib import format as npy

from bounds.data.arrays import ArraySource
from bounds.data.columns import ANY, Columns
from bounds.errors import InvalidData


def array_file(path: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> ArraySource:
    """A source over `x` or `x1`, `x2`, and optional `y`, of an `.npz` or `.safetensors` file.

    Raises:
        InvalidData: other keys, object arrays, or a damaged file.
    """
    make = _NpzArray if path.suffix == ".npz" else _SafetensorsArray
    with readable(path, where):
        views, label = columns.pick(make.keys(path), where)
        arrays = tuple(make(path, key, where) for key in views)
        kept = None if label is None else make(path, label, where)
        if kept is not None and not kept.shape:
            raise InvalidData(
                f"{where} has a single number as {label!r}; give one label for each item, of shape (N,)."
            )
        labels = None if kept is None else kept[:]
    return ArraySource(arrays, labels, where, num_classes, lambda: file_fingerprint(path))


def file_fingerprint(path: Path) -> dict[str, Any]:
    """Name and SHA-256 of a file."""
    with path.open("rb") as file:
        return {"type": "file", "file": path.name, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


@contextmanager
def readable(path: Path, where: str) -> Iterator[None]:
    """Turn what readers of damaged files raise into one sentence.

    Raises:
        InvalidData: the file cannot be read.
    """
    from safetensors import SafetensorError

    try:
        yield
    except InvalidData:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, SafetensorError) as err:
        raise InvalidData(
            f"{where} cannot be read as {path.suffix} ({err}); it may be cut short or of another format."
        ) from err


class _NpzArray:
    """One array of an `.npz` file; slices are read in passing, so that going through in order reads once."""

    def __init__(self, path: Path, key: str, where: str) -> None:
        self._path, self._key, self._where = path, key, where
        self._file = self._open()
        version = npy.read_magic(self._file)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        self.shape, fortran, self.dtype = header(self._file)
        self._begin = self._file.tell()
        if self.dtype.hasobject:
            raise InvalidData(
                f"{where} holds Python objects in {key!r}, which is refused; save plain numbers."
            )
        if fortran and len(self.shape) > 1:
            raise InvalidData(f"{where} has {key!r} in Fortran order; save it with np.ascontiguousarray.")

    @staticmethod
    def keys(path: Path) -> list[str]:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist()]

    def _open(self) -> IO[bytes]:
        return zipfile.ZipFile(self._path).open(f"{self._key}.npy")

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        shape = (max(stop - start, 0), *self.shape[1:])
        width = math.prod(self.shape[1:]) * self.dtype.itemsize
        with readable(self._path, self._where):
            self._file.seek(self._begin + start * width)
            block = bytearray(self._file.read(shape[0] * width))
            return np.frombuffer(block, self.dtype).reshape(shape)


class _SafetensorsArray:
    """One tensor of a `.safetensors` file; the file is mapped for the time of a slice only."""

    def __init__(self, path: Path, key: str, where: str) -> None:
        self._path, self._key, self._where = path, key, where
        with self._open() as file:
            part = file.get_slice(key)
            self.shape = tuple(part.get_shape())
            self.dtype = part[:0].dtype if self.shape else torch.float32

    @staticmethod
    def keys(path: Path) -> list[str]:
        from safetensors import safe_open

        with safe_open(path, framework="pt") as file:
            return list(file.keys())

    def _open(self) -> Any:
        from safetensors import safe_open

        return safe_open(self._path, framework="pt")

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice) -> torch.Tensor:
        start, stop, _ = rows.indices(len(self))
        with readable(self._path, self._where), self._open() as file:
            part: torch.Tensor = file.get_slice(self._key)[start:stop]
            return part.clone()
