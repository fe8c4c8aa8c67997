"""Folders of image files: one sub-folder per class, or unlabeled images side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.base import Block, BlockSource
from bounds.data.checks import kind_of
from bounds.data.decode import decode, stack
from bounds.errors import InvalidData

_IMAGES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


class FolderSource(BlockSource):
    """Images of a folder; sub-folders in alphabetical order are the classes, files within them are sorted."""

    def __init__(self, path: Path, where: str, num_classes: int | None) -> None:
        classes = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
        groups = [_images(folder, "**/*") for folder in classes] or [_images(path, "*")]
        for folder, files in zip(classes or [path], groups, strict=True):
            if not files:
                raise InvalidData(
                    f"{where} has no images in folder {folder.name!r}; it needs one sub-folder per class, "
                    "with images in each, or images alone."
                )
        self.where, self.views, self.has_labels, self._path = where, 1, bool(classes), path
        self._files = [file for files in groups for file in files]
        self._labels = np.repeat(np.arange(len(groups)), [len(files) for files in groups])
        self.count, self.num_classes = len(self._files), num_classes or len(classes) or None
        (first,), _ = next(self._blocks(0, 1, 1, None))
        self.kind = kind_of(first.shape, first.dtype, where)

    def fingerprint(self) -> dict[str, Any]:
        """The folder's name and the SHA-256 of the list of its files and their sizes."""
        sha = hashlib.sha256()
        for file in self._files:
            sha.update(f"{file.relative_to(self._path).as_posix()}\0{file.stat().st_size}\n".encode())
        return {
            "type": "folder",
            "folder": self._path.name,
            "files": self.count,
            "listing_sha256": sha.hexdigest(),
        }

    def _blocks(self, start: int, stop: int | None, batch_size: int, size: int | None) -> Iterator[Block]:
        end = len(self._files) if stop is None else min(stop, len(self._files))
        for row in range(start, end, batch_size):
            files = self._files[row : min(row + batch_size, end)]
            names = [f"{file.relative_to(self._path).as_posix()} in {self.where}" for file in files]
            labels = self._labels[row : row + len(files)] if self.has_labels else None
            yield (stack(decode(files, names), size, self.where, row),), labels


def _images(folder: Path, pattern: str) -> list[Path]:
    found = (p for p in folder.glob(pattern) if p.suffix.lower() in _IMAGES and p.is_file())
    return sorted(p for p in found if not p.name.startswith("."))
