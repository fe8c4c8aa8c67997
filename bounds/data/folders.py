"""Folders of image files: one sub-folder per class, or unlabeled images side by side."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.base import Block, BlockSource
from bounds.data.class_names import class_names, printable
from bounds.data.decode import Form, coloured, decode, stack
from bounds.data.packed import Packed
from bounds.errors import InvalidData

IMAGE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".avifs", ".bmp", ".dib", ".gif"),
    *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".tga"),
}
_NAMED = 3  # files that a note names


class FolderSource(BlockSource):
    """Images of a folder; sub-folders in alphabetical order are the classes, files within them are sorted.

    Hidden files and folders are left out at any depth; links to files and folders are followed.
    """

    def __init__(self, path: Path, where: str, num_classes: int | None) -> None:
        folders, beside, other = _listing(path, where)
        if folders and beside:
            raise InvalidData(
                f"{where} has images beside its class folders, {printable(beside[0].name)!r} among {len(beside)}; "
                "put each into the folder of its class, or remove the folders."
            )
        self._files, counts = Packed(), []  # relative to the folder
        for folder in folders or [path]:
            files = sorted(_below(folder, where, other, (path.resolve(),))) if folders else beside
            if not files:
                raise InvalidData(
                    f"{where} has no images in folder {printable(folder.name)!r}; it needs one sub-folder per class, "
                    "with images in each, or images alone."
                )
            self._files.extend(file.relative_to(path).as_posix() for file in files)
            counts.append(len(files))
        self.where, self.views, self.has_labels, self._path = where, 1, bool(folders), path
        self.kind = "images"
        self._labels = np.repeat(np.arange(len(counts)), counts)
        self.count, self.num_classes = len(self._files), num_classes
        if folders:
            self.class_names = class_names((folder.name for folder in folders), where)
            self.num_classes = min(num_classes or len(folders), len(folders))
        if other:
            few = (file.relative_to(path).as_posix() for file in sorted(other)[:_NAMED])
            names = ", ".join(repr(self._name(file)) for file in few)
            self.notes = (
                f"{where}: {len(other)} files are no images by their names and were left out: {names}",
            )

    @property
    def paths(self) -> list[str]:
        """Where the items lie."""
        return [printable(self._path / file) for file in self._files]

    @cached_property
    def channels(self) -> int:
        """3 if any image has colours, else 1."""
        return 3 if any(coloured(self._path / file, self._name(file)) for file in self._files) else 1

    def fingerprint(self) -> dict[str, Any]:
        """The folder's name and the SHA-256 of the list of its files and their sizes."""
        sha = hashlib.sha256()
        for file in self._files:
            sha.update(os.fsencode(file))
            sha.update(f"\0{(self._path / file).stat().st_size}\n".encode())
        return {
            "type": "folder",
            "folder": printable(self._path.name),
            "files": self.count,
            "listing_sha256": sha.hexdigest(),
        }

    def _name(self, file: str) -> str:
        return f"{printable(file)} in {self.where}"

    def _blocks(self, start: int, stop: int | None, batch_size: int, form: Form) -> Iterator[Block]:
        end = len(self._files) if stop is None else min(stop, len(self._files))
        for row in range(start, end, batch_size):
            files = self._files[row : min(row + batch_size, end)]
            paths, names = [self._path / file for file in files], [self._name(file) for file in files]
            made = stack(decode(paths, names), form, self.where, row)
            labels = self._labels[row : row + len(files)] if self.has_labels else None
            yield Block((made.values,), labels, made.fingerprints[:, None], made.turned)


def _listing(folder: Path, where: str) -> tuple[list[Path], list[Path], list[Path]]:
    """Sub-folders, images and other files of a folder, each sorted, without hidden ones.

    Raises:
        InvalidData: a link to nothing.
    """
    folders: list[Path] = []
    images: list[Path] = []
    other: list[Path] = []
    for entry in sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".")):
        if not entry.exists():
            raise InvalidData(
                f"{where} has {printable(entry.name)!r} in folder {printable(folder.name)!r}, which is a link to "
                "nothing; mend or remove it."
            )
        if entry.is_dir():
            folders.append(entry)
        else:
            (images if entry.suffix.lower() in IMAGE_SUFFIXES else other).append(entry)
    return folders, images, other


def _below(folder: Path, where: str, other: list[Path], above: tuple[Path, ...]) -> list[Path]:
    """All images below a folder; what is no image is added to `other`.

    Raises:
        InvalidData: a link to nothing, or to a folder that it lies in.
    """
    here = folder.resolve()
    if here in above:
        raise InvalidData(
            f"{where} has a link {printable(folder.name)!r} to a folder that it lies in; remove it."
        )
    folders, images, rest = _listing(folder, where)
    other += rest
    for inner in folders:
        images += _below(inner, where, other, (*above, here))
    return images
