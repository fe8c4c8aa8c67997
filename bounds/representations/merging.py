"""Finished stores joined into one folder: shards are linked where the file system can, copied where it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.class_names import listed, renumbered, renumbering, united
from bounds.errors import CorruptStore, InvalidData, InvalidOption
from bounds.files import whole_folder
from bounds.representations.store import MANIFEST, RepresentationStore, sha256

_SHAPE = ("dim", "dtype", "views", "labels")


def merge_stores(
    folders: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    identity: dict[str, Any] | None = None,
    verify: bool = True,
) -> RepresentationStore:
    """One store from finished stores of parts of the data, as processes or jobs leave them.

    Parts of one data set (`extract` with `start`, `stop`) are put in the order of their rows, which must follow
    one another; other parts keep the order given. The result appears whole or not at all.

    Args:
        folders: Finished stores.
        out: Must not exist, or be empty.
        identity: What the result says it holds; by default made from the parts.
        verify: Whether to compare checksums first.

    Raises:
        CorruptStore: a part is unfinished or damaged.
        InvalidOption: `out` holds files, or the parts come from different encoders or settings, or share the
            random numbers of their augmentations.
        InvalidData: parts of different dimension, or that overlap or leave out rows of one data set.
    """
    out = Path(out)
    if not folders:
        raise InvalidOption("There is nothing to merge; give at least one folder of representations.")
    _require_new(out)
    stores = [RepresentationStore.open(folder, verify=verify) for folder in folders]
    _same_shape(stores)
    if identity is None:
        stores, identity = _identified(stores)
    names, new_labels = _one_list_of_names(stores)
    marks = [store.manifest.get("fingerprints") for store in stores]
    keys = marks[0] if all(mark == marks[0] for mark in marks) else None  # parts of version 0.1.0 have none
    with whole_folder(out) as part:
        shards: list[dict[str, Any]] = []
        for store, new in zip(stores, new_labels, strict=True):
            for shard, entry in enumerate(store.manifest["shards"]):
                digests = {
                    name: one for name, one in entry["sha256"].items() if name != "id" or keys is not None
                }
                for name in digests:
                    target = part / store.path(name, len(shards)).name
                    if name == "y" and new is not None:
                        np.save(target, renumbered(np.load(store.path(name, shard)), new))
                        digests[name] = sha256(target)
                    else:
                        _link(store.path(name, shard), target)
                shards.append(entry | {"sha256": digests})
        facts = {key: stores[0].manifest[key] for key in ("format", "version", *_SHAPE)}
        turned = sum(store.manifest.get("turned", 0) for store in stores)
        facts |= {"class_names": names, "fingerprints": keys, "turned": turned}
        count = sum(shard["rows"] for shard in shards)
        manifest = facts | {"complete": True, "identity": identity, "shards": shards, "count": count}
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
    return RepresentationStore.open(out, verify=False)


def merge_folders(folders: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> list[Path]:
    """The same for folders of `save_representations`, which hold one store for each role, or for stores themselves.

    Returns:
        The merged stores: `out` itself, or one folder in it for each role that occurs.

    Raises:
        InvalidOption: a folder that holds neither; else as `merge_stores`.
    """
    paths = [Path(folder) for folder in folders]
    if all((path / MANIFEST).is_file() for path in paths):
        return [merge_stores(paths, out).folder]
    roles: dict[str, list[Path]] = {}
    for path in paths:
        found = sorted(entry.parent for entry in path.glob(f"*/{MANIFEST}"))
        if not found:
            raise InvalidOption(
                f"{path} holds no saved representations; give folders of `save_representations`."
            )
        for store in found:
            roles.setdefault(store.name, []).append(store)
    out = Path(out)
    _require_new(out)
    with whole_folder(out) as part:
        for role, stores in roles.items():
            merge_stores(stores, part / role)
    return [out / role for role in roles]


def _require_new(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidOption(f"{out} holds files already; give a new folder for the merged representations.")


def _link(source: Path, target: Path) -> None:
    if not source.is_file():
        raise CorruptStore(f"{source} is missing; save the representations again in another folder.")
    with contextlib.suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def _one_list_of_names(
    stores: Sequence[RepresentationStore],
) -> tuple[list[str] | None, list[np.ndarray | None]]:
    """All class names, and for each store the new numbers of its labels, or None where they stay.

    Raises:
        InvalidData: numbers without names beside stores that name their classes differently.
    """
    own = [store.class_names for store in stores]
    named = [names for names in own if names is not None]
    if not named:
        return None, [None] * len(stores)
    common = united(named)
    nameless = next((store for store, names in zip(stores, own, strict=True) if names is None), None)
    if nameless is not None and any(names != common for names in named):
        raise InvalidData(
            f"{nameless.folder} has class numbers without names beside stores that name their classes differently "
            f"({listed(common)} in all); only representations of one kind merge."
        )
    return list(common), [None if names is None else renumbering(names, common) for names in own]


def _same_shape(stores: Sequence[RepresentationStore]) -> None:
    first = stores[0]
    for store in stores[1:]:
        for key in _SHAPE:
            if store.manifest[key] != first.manifest[key]:
                raise InvalidData(
                    f"{store.folder} and {first.folder} differ in {key} ({store.manifest[key]} and "
                    f"{first.manifest[key]}); only representations of one kind merge."
                )


def _identified(stores: list[RepresentationStore]) -> tuple[list[RepresentationStore], dict[str, Any]]:
    """The stores in order, and what they hold together."""
    identities = [store.manifest["identity"] for store in stores]
    one_data_set = all(one.get("data") == identities[0].get("data") for one in identities)
    settings = [_settings(one, one_data_set) for one in identities]
    for store, setting in zip(stores, settings, strict=True):
        differing = sorted(key for key in setting if setting[key] != settings[0].get(key))
        if differing:
            raise InvalidOption(
                f"{store.folder} was made with other {', '.join(differing)} than {stores[0].folder}; extract both anew."
            )
    if one_data_set:
        stores = sorted(stores, key=lambda store: store.manifest["identity"]["rows"][0])
        return stores, identities[0] | {"rows": _joined(stores)}
    views = [json.dumps(one["augmentation"]) for one in identities if one.get("augmentation")]
    if len(set(views)) < len(views):
        raise InvalidOption(
            "Parts from different data were augmented with one seed, so that their views share random numbers and "
            "are not independent; extract each part with its own seed."
        )
    parts = [{"data": one.get("data"), "rows": one.get("rows")} for one in identities]
    for i, one in enumerate(parts):
        for other, store in zip(parts[:i], stores, strict=False):
            if one["data"] == other["data"] and _overlap(one["rows"], other["rows"]):
                raise InvalidData(
                    f"{stores[i].folder} and {store.folder} hold rows in common; give each row once."
                )
    return stores, identities[0] | {"data": {"type": "merged", "parts": parts}, "rows": [0, None]}


def _settings(identity: dict[str, Any], one_data_set: bool) -> dict[str, Any]:
    """What must agree between parts: all but data and rows, and the seed of views where the data differ."""
    kept = {key: value for key, value in identity.items() if key not in ("data", "rows")}
    if not one_data_set and isinstance(kept.get("augmentation"), dict):
        kept["augmentation"] = {k: v for k, v in kept["augmentation"].items() if k != "seed"}
    return kept


def _joined(stores: Sequence[RepresentationStore]) -> list[int | None]:
    """First and last row of parts of one data set that must follow one another."""
    rows = [store.manifest["identity"]["rows"] for store in stores]
    for (_, stop), (start, _), store in zip(rows, rows[1:], stores[1:], strict=False):
        if stop != start:
            here = (
                "overlaps the part before it"
                if stop is None or stop > start
                else f"leaves out rows {stop} to {start}"
            )
            raise InvalidData(f"{store.folder} {here}; each row must occur once.")
    return [rows[0][0], rows[-1][1]]


def _overlap(one: list[int | None], other: list[int | None]) -> bool:
    (a, b), (c, d) = one, other
    return (d is None or (a or 0) < d) and (b is None or (c or 0) < b)
