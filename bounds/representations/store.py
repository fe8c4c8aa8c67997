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

from bounds.data.arrays import ArraySource
from bounds.data.checks import Kind
from bounds.data.class_names import Names, listed
from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.files import writing
from bounds.representations.table import Representations

MANIFEST = "manifest.json"
_FORMAT = {"format": "bounds-representations", "version": 1}
_SHARD_ROWS = 8192
_SMALL = 2**20  # numbers of a view that are held in memory


class RepresentationStore:
    """A complete folder of representations, read slice by slice unless it is small; no page stays mapped between reads.

    The folder holds `manifest.json` and, for shard i, `z-i.npy`, for pairs `z2-i.npy`, with labels `y-i.npy`, and
    the fingerprints of the items `id-i.npy` (version 0.1.0 wrote none).

    Attributes:
        folder: Where it is.
        manifest: Count, dim, dtype, views, labels, class names, what the fingerprints are of and how many a row has,
            identity, and the rows and SHA-256 of each shard.
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

    @property
    def fingerprints(self) -> tuple[Kind, np.ndarray] | None:
        """What the fingerprints of the items are of, and they, uint64 (N, V); None where none were saved."""
        if (kept := self.manifest.get("fingerprints")) is None:
            return None
        return kept["of"], StoredArray(self, "id", (self.count, kept["each"]), "uint64")[:]

    @property
    def class_names(self) -> Names | None:
        """Name of each class, in the order of the labels, or None."""
        names = self.manifest.get("class_names")
        return None if names is None else tuple(names)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is out of the ordinary, in sentences."""
        turned = self.manifest.get("turned", 0)
        if not turned:
            return ()
        return (
            f"{turned} images carry an orientation tag, which is not applied: pixels are taken as stored",
        )

    def representations(self, name: str) -> Representations:
        """The table over this store."""
        kind, keys = self.fingerprints or (None, None)
        # Every read opens a file, which takes longer than the rows of a small table.
        small = self.count * self.manifest["dim"] <= _SMALL
        views = tuple(view[:] for view in self.views) if small else self.views
        return Representations(views, self.labels, name, fingerprints=keys, fingerprinted=kind)

    def source(self, where: str, num_classes: int | None) -> ArraySource:
        """The store as input data."""
        digests = hashlib.sha256(json.dumps(self.manifest["shards"]).encode()).hexdigest()
        note = {"type": "store", "folder": self.folder.name, "count": self.count, "shards_sha256": digests}
        return ArraySource(
            self.views, self.labels, where, num_classes, lambda: note, self.fingerprints, self.class_names
        )


class StoredArray:
    """One array of a store, cut into shards; slices and index arrays give numpy copies."""

    indexable = True

    def __init__(self, store: RepresentationStore, name: str, shape: tuple[int, ...], dtype: str) -> None:
        self._store, self._name = store, name
        self.shape, self.dtype = shape, np.dtype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(rows, slice) and rows.step in (None, 1):
            return self._range(*rows.indices(len(self))[:2])
        index = np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else np.asarray(rows)
        out = np.empty((len(index), *self.shape[1:]), self.dtype)
        shards = np.searchsorted(self._store._starts, index, side="right") - 1
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            out[here] = self._load(int(shard))[index[here] - self._store._starts[shard]]
        return out

    def _range(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop, shard by shard."""
        out = np.empty((max(stop - start, 0), *self.shape[1:]), self.dtype)
        starts, first = self._store._starts, start
        shard = int(np.searchsorted(starts, first, side="right")) - 1
        while first < stop:
            last = min(stop, int(starts[shard + 1]))
            out[first - start : last - start] = self._load(shard)[
                first - starts[shard] : last - starts[shard]
            ]
            first, shard = last, shard + 1
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
        class_names: Name of each class, where the data have names.
        shard_rows: Rows after which a shard is closed: what an interruption can cost.
        durable: Whether to flush to the disk and to compute checksums; False for temporary folders.

    Attributes:
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
        class_names: Names | None = None,
        shard_rows: int = _SHARD_ROWS,
        durable: bool = True,
    ) -> None:
        self._folder, self._shard_rows, self._durable = Path(folder), shard_rows, durable
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise InvalidOption(
                f"{self._folder} cannot be a folder of representations ({err.strerror}); give one that can be written."
            ) from err
        identity = json.loads(json.dumps(identity))
        named = None if class_names is None else list(class_names)
        if (self._folder / MANIFEST).exists():
            self._manifest = _read_manifest(self._folder)
            _same(identity, self._manifest["identity"], self._folder)
            if (found := self._manifest.get("class_names")) is not None and found != named:
                raise InvalidOption(
                    f"{self._folder} holds representations with the classes {listed(tuple(found))}, not "
                    f"{listed(tuple(named or ()))}; give another folder, or delete this one to make them anew."
                )
            _verify(self._folder, self._manifest)
        elif any(not entry.name.endswith(".tmp") for entry in self._folder.iterdir()):
            raise InvalidOption(
                f"{self._folder} holds other files; give an empty or new folder for representations."
            )
        else:
            self._manifest = _FORMAT | {"complete": False, "identity": identity, "shards": []}
            self._manifest |= {"class_names": named}
        self._pending: list[tuple[np.ndarray, ...]] = []
        self._pending_rows = 0
        self.rows, self.complete = _rows(self._manifest), bool(self._manifest["complete"])

    @property
    def stored(self) -> RepresentationStore:
        """The rows in complete shards."""
        return RepresentationStore(self._folder, self._manifest)

    def append(
        self,
        views: tuple[np.ndarray, ...],
        labels: np.ndarray | None,
        fingerprints: np.ndarray | None = None,
        fingerprinted: Kind = "vectors",
        turned: int = 0,
    ) -> None:
        """Add rows.

        Args:
            views: One array (n, d) or two; kept as float32, or float64 if that is what the first rows are.
            labels: int64 (n,) or None.
            fingerprints: Of the items, uint64 (n, V), or None.
            fingerprinted: What they are of.
            turned: How many of the images carry an orientation tag.

        Raises:
            InvalidData: rows that do not fit those before.
        """
        facts = {"dim": views[0].shape[1], "views": len(views), "labels": labels is not None}
        if "dim" not in self._manifest:
            kept_of = None if fingerprints is None else {"of": fingerprinted, "each": fingerprints.shape[1]}
            self._manifest |= {"fingerprints": kept_of}
            self._manifest |= facts | {"dtype": "float64" if views[0].dtype == np.float64 else "float32"}
        if any(self._manifest[key] != value for key, value in facts.items()):
            raise InvalidData(f"{self._folder} cannot take rows with {facts} after rows with other facts.")
        kept = tuple(np.array(view, self._manifest["dtype"]) for view in views)
        self._manifest["turned"] = self._manifest.get("turned", 0) + turned
        if labels is not None:
            kept = (*kept, np.array(labels, np.int64))
        if self._manifest.get("fingerprints") is not None and fingerprints is not None:
            kept = (*kept, np.array(fingerprints, np.uint64))
        self._pending.append(kept)
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
        if not self._manifest["shards"]:
            raise InvalidData(f"{self._folder} got no rows; there is nothing to save.")
        self._manifest["complete"] = self.complete = True
        self._write_manifest()
        return self.stored

    def _flush(self) -> None:
        names = [*("z", "z2")[: self._manifest["views"]], *(["y"] if self._manifest["labels"] else [])]
        names += ["id"] if self._manifest.get("fingerprints") is not None else []
        shard = len(self._manifest["shards"])
        if shard == 0:  # before any shard: a folder with shards and no manifest is taken for somebody else's
            self._write_manifest(turned=0)
        digests = {}
        for name, blocks in zip(names, zip(*self._pending, strict=True), strict=True):
            digests[name] = self._write(_file(name, shard), partial(np.save, arr=np.concatenate(blocks)))
        self._manifest["shards"].append({"rows": self._pending_rows, "sha256": digests})
        self._write_manifest()
        self.rows += self._pending_rows
        self._pending, self._pending_rows = [], 0

    def _write_manifest(self, **other: Any) -> None:
        text = json.dumps(self._manifest | {"count": _rows(self._manifest)} | other, indent=1).encode()
        self._write(MANIFEST, lambda file: file.write(text))

    def _write(self, name: str, fill: Callable[[Any], Any]) -> str | None:
        path, temporary = self._folder / name, self._folder / f"{name}.tmp"
        with writing(path):
            with temporary.open("wb") as file:
                fill(file)
                if self._durable:
                    file.flush()
                    os.fsync(file.fileno())
            digest = sha256(temporary) if self._durable else None
            os.replace(temporary, path)
        return digest


def _file(name: str, shard: int) -> str:
    return f"{name}-{shard:05d}.npy"


def _rows(manifest: dict[str, Any]) -> int:
    return sum(shard["rows"] for shard in manifest["shards"])


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
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
            if sha256(path) != digest:
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
