"""Saved representations: a folder of checksummed shards that a killed run can go on with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.representations.sources.arrays import ArraySource
from bounds.representations.table import Representations

MANIFEST = "manifest.json"
_FORMAT = {"format": "bounds-representations", "version": 1}
_SHARD_ROWS = 8192


class RepresentationStore:
    """A complete folder of representations, read slice by slice; no page stays mapped between reads.

    The folder holds `manifest.json` and, for shard i, `z-i.npy`, for pairs `z2-i.npy`, with labels `y-i.npy`.

    Attributes:
        folder: Where it is.
        manifest: Count, dim, dtype, views, labels, identity, and the rows and SHA-256 of each shard.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder, self.manifest = folder, manifest
        rows = [shard["rows"] for shard in manifest["shards"]]
        self._starts = np.concatenate([[0], np.cumsum(rows, dtype=np.int64)])

    @classmethod
    def open(cls, folder: str | os.PathLike[str], *, verify: bool = True) -> RepresentationStore:
        """Open a finished store.

        Args:
            folder: What `save_representations` wrote for one role.
            verify: Whether to compare the SHA-256 of every shard (reads everything once).

        Raises:
            CorruptStore: no manifest, an unfinished store, or a shard that is missing or differs.
        """
        folder = Path(folder)
        manifest = _read_manifest(folder)
        if not manifest["complete"]:
            raise CorruptStore(
                f"{folder} is unfinished ({_rows(manifest)} rows); run the extraction again to finish it."
            )
        if verify:
            _verify(folder, manifest)
        return cls(folder, manifest)

    @property
    def count(self) -> int:
        """Number of items."""
        return int(self._starts[-1])

    def path(self, name: str, shard: int) -> Path:
        """File of an array, "z", "z2" or "y", of a shard."""
        return self.folder / _file(name, shard)

    @property
    def views(self) -> tuple[StoredArray, ...]:
        """One lazy array (N, d), or two."""
        names = ("z", "z2")[: self.manifest["views"]]
        return tuple(
            StoredArray(self, name, (self.count, self.manifest["dim"]), self.manifest["dtype"])
            for name in names
        )

    @property
    def labels(self) -> np.ndarray | None:
        """Class indices int64 (N,), or None."""
        return StoredArray(self, "y", (self.count,), "int64")[:] if self.manifest["labels"] else None

    def representations(self, name: str) -> Representations:
        """The table over this store."""
        return Representations(self.views, self.labels, name)

    def source(self, where: str, num_classes: int | None) -> ArraySource:
        """The store as input data."""
        digests = hashlib.sha256(json.dumps(self.manifest["shards"]).encode()).hexdigest()
        note = {"type": "store", "folder": self.folder.name, "count": self.count, "shards_sha256": digests}
        return ArraySource(self.views, self.labels, where, num_classes, lambda: note)


class StoredArray:
    """One array of a store, cut into shards; slices and index arrays give numpy copies."""

    indexable = True

    def __init__(self, store: RepresentationStore, name: str, shape: tuple[int, ...], dtype: str) -> None:
        self._store, self._name = store, name
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        index = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        out = np.empty((len(index), *self.shape[1:]), self.dtype)
        shards = np.searchsorted(self._store._starts, index, side="right") - 1
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            local = index[here] - self._store._starts[shard]
            whole = isinstance(rows, slice) and rows.step in (None, 1)
            out[here] = self._load(int(shard))[slice(local[0], local[-1] + 1) if whole else local]
        return out

    def _load(self, shard: int) -> np.ndarray:
        path = self._store.path(self._name, shard)
        try:
            array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as err:
            raise CorruptStore(f"{path} cannot be read ({err}); save the representations again.") from err
        return array


class StoreWriter:
    """Appends representations to a folder, shard by shard; each shard is there whole or not at all.

    Args:
        folder: Created if missing; may hold an unfinished (or finished) store of the same identity.
        identity: Plain data that say what is being saved: two runs with equal identity write equal rows.
        shard_rows: Rows after which a shard is closed: what an interruption can cost.
        durable: Whether to flush to the disk and to compute checksums; False for temporary folders.

    Attributes:
        folder: Where the store is.
        manifest: As it stands: complete shards, and the facts that all rows share.
        rows: Number of rows in complete shards, from which to go on.
        complete: Whether the store was finished before.

    Raises:
        InvalidOption: the folder holds something else, or a store of another identity.
        CorruptStore: a shard to go on from is missing or differs from its checksum.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        identity: dict[str, Any],
        *,
        shard_rows: int = _SHARD_ROWS,
        durable: bool = True,
    ) -> None:
        self.folder, self._shard_rows, self._durable = Path(folder), shard_rows, durable
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise InvalidOption(
                f"{self.folder} cannot be a folder of representations ({err.strerror}); give one that can be written."
            ) from err
        identity = json.loads(json.dumps(identity))
        if (self.folder / MANIFEST).exists():
            self.manifest = _read_manifest(self.folder)
            _same(identity, self.manifest["identity"], self.folder)
            _verify(self.folder, self.manifest)
        elif any(not entry.name.endswith(".tmp") for entry in self.folder.iterdir()):
            raise InvalidOption(
                f"{self.folder} holds other files; give an empty or new folder for representations."
            )
        else:
            self.manifest = _FORMAT | {"complete": False, "identity": identity, "shards": []}
        self._pending: list[tuple[np.ndarray, ...]] = []
        self._pending_rows = 0
        self._contents: Callable[[], str] | None = None
        self.rows, self.complete = _rows(self.manifest), bool(self.manifest["complete"])

    def append(
        self,
        views: tuple[np.ndarray, ...],
        labels: np.ndarray | None,
        contents: Callable[[], str] | None = None,
    ) -> None:
        """Add rows.

        Args:
            views: One array (n, d) or two; kept as float32, or float64 if that is what the first rows are.
            labels: int64 (n,) or None.
            contents: Gives the digest of the items behind all rows since a shard was closed.

        Raises:
            InvalidData: rows that do not fit those before.
        """
        self._contents = contents
        facts = {"dim": views[0].shape[1], "views": len(views), "labels": labels is not None}
        if "dim" not in self.manifest:
            self.manifest |= facts | {"dtype": "float64" if views[0].dtype == np.float64 else "float32"}
        if any(self.manifest[key] != value for key, value in facts.items()):
            raise InvalidData(f"{self.folder} cannot take rows with {facts} after rows with other facts.")
        kept = tuple(np.array(view, self.manifest["dtype"]) for view in views)
        self._pending.append(kept if labels is None else (*kept, np.array(labels, np.int64)))
        self._pending_rows += len(kept[0])
        if self._pending_rows >= self._shard_rows:
            self._flush()

    def finish(self) -> RepresentationStore:
        """Write what is left and declare the store complete.

        Raises:
            InvalidData: nothing was ever appended.
        """
        if self._pending:
            self._flush()
        if not self.manifest["shards"]:
            raise InvalidData(f"{self.folder} got no rows; there is nothing to save.")
        self.manifest["complete"] = self.complete = True
        self._write_manifest()
        return RepresentationStore(self.folder, self.manifest)

    def _flush(self) -> None:
        names = [*("z", "z2")[: self.manifest["views"]], *(["y"] if self.manifest["labels"] else [])]
        shard = len(self.manifest["shards"])
        digests = {}
        for name, blocks in zip(names, zip(*self._pending, strict=True), strict=True):
            digests[name] = self._write(_file(name, shard), partial(np.save, arr=np.concatenate(blocks)))
        entry = {"rows": self._pending_rows, "sha256": digests}
        if self._contents is not None:
            entry["contents_sha256"] = self._contents()
        self.manifest["shards"].append(entry)
        self._write_manifest()
        self.rows += self._pending_rows
        self._pending, self._pending_rows = [], 0

    def _write_manifest(self) -> None:
        text = json.dumps(self.manifest | {"count": _rows(self.manifest)}, indent=1).encode()
        self._write(MANIFEST, lambda file: file.write(text))

    def _write(self, name: str, fill: Callable[[Any], Any]) -> str | None:
        path, temporary = self.folder / name, self.folder / f"{name}.tmp"
        with temporary.open("wb") as file:
            fill(file)
            if self._durable:
                file.flush()
                os.fsync(file.fileno())
        digest = _sha256(temporary) if self._durable else None
        os.replace(temporary, path)
        return digest


def _file(name: str, shard: int) -> str:
    return f"{name}-{shard:05d}.npy"


def _rows(manifest: dict[str, Any]) -> int:
    return sum(shard["rows"] for shard in manifest["shards"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        if {key: manifest[key] for key in _FORMAT} != _FORMAT:
            raise ValueError(f"it is {manifest['format']!r} version {manifest['version']!r}")
        known = all(key in manifest for key in ("complete", "identity", "shards"))
        if not known or (manifest["shards"] and "dim" not in manifest):
            raise ValueError("entries are missing")
        _rows(manifest)
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise CorruptStore(
            f"{folder / MANIFEST} is not the manifest of saved representations ({err})."
        ) from err
    return manifest


def _verify(folder: Path, manifest: dict[str, Any]) -> None:
    for shard, entry in enumerate(manifest["shards"]):
        for name, digest in entry["sha256"].items():
            path = folder / _file(name, shard)
            if not path.is_file():
                raise CorruptStore(f"{path} is missing; save the representations again in another folder.")
            if _sha256(path) != digest:
                raise CorruptStore(
                    f"{path} differs from its checksum; save the representations again in another folder."
                )


def _same(wanted: dict[str, Any], found: dict[str, Any], folder: Path) -> None:
    differing = [key for key in sorted({*wanted, *found}) if wanted.get(key) != found.get(key)]
    if differing:
        raise InvalidOption(
            f"{folder} holds representations made with other {', '.join(differing)}; "
            "give another folder, or delete this one to make them anew."
        )
