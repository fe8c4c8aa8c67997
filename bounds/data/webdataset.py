"""WebDataset shards: plain tar files in which the parts of an item share a name up to the first dot."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bounds.data.columns import ANY, Columns
from bounds.data.encoded import Encoded, EncodedSource
from bounds.data.files import file_fingerprint
from bounds.data.folders import IMAGE_SUFFIXES
from bounds.data.packed import Packed
from bounds.errors import InvalidData

_LABELS = ("cls", "cls.txt", "label", "class.cls")


@dataclass
class _Item:
    """Where the parts of an item lie in the file: extension -> (offset, length)."""

    key: str
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)


class WebDatasetSource(EncodedSource):
    """One shard; its table of contents is read when it is opened, images when they are asked for.

    An item's image is its part with an image's extension (or that named by `image=`); its label the part `.cls`, or
    the entry `label` or `cls` of its `.json` (or that named by `label=`): a number, or a class's name.
    """

    def __init__(self, path: Path, where: str, num_classes: int | None, columns: Columns = ANY) -> None:
        self.where, self._path = where, path
        items = _contents(path, where)
        chosen = [(item, _image(item, columns.image)) for item in items]
        kept = [(item, part) for item, part in chosen if part is not None]
        self.count = len(kept)
        self._keys = Packed(item.key for item, _ in kept)
        self._places = np.array([item.parts[part] for item, part in kept], dtype=np.int64)  # (N, 2)
        if not kept:
            endings = sorted({ending for item in items for ending in item.parts})
            raise InvalidData(f"{where} has no images; its items have {', '.join(endings) or 'no parts'}.")
        if len(kept) < len(items):
            self.notes = (f"{where}: {len(items) - len(kept)} of {len(items)} items have no image.",)
        with path.open("rb") as file:
            labels = [_label(item, file, columns.label, where) for item, _ in kept]
        given = [label is not None for label in labels]
        if any(given) and not all(given):
            raise InvalidData(f"{where} has no label for item {self._keys[given.index(False)]!r}.")
        self.found = " (no part `.cls` and no `label` in a part `.json`)"
        self._label_with(labels if all(given) else None, num_classes, None)

    def fingerprint(self) -> dict[str, Any]:
        """Name and SHA-256 of the file."""
        return file_fingerprint(self._path)

    def _read(self, start: int, stop: int) -> Sequence[tuple[Encoded, str]]:
        found: list[tuple[Encoded, str]] = []
        with self._path.open("rb") as file:
            for key, place in zip(self._keys[start:stop], self._places[start:stop].tolist(), strict=True):
                found.append((_bytes(file, place), f"Item {key!r} of {self.where}"))
        return found


def _contents(path: Path, where: str) -> list[_Item]:
    items: list[_Item] = []
    try:
        with tarfile.open(path, "r:") as archive:  # not compressed: items are read where they lie
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                stem, _, ending = name.partition(".")
                if not member.isfile() or not stem or not ending:
                    continue
                key = f"{folder}/{stem}" if folder else stem
                if not items or items[-1].key != key:
                    items.append(_Item(key))
                items[-1].parts[ending.lower()] = (member.offset_data, member.size)
    except (tarfile.TarError, OSError, EOFError) as err:
        raise InvalidData(
            f"{where} cannot be read as an uncompressed tar file ({err}); unpack .tar.gz to .tar first."
        ) from err
    if items and sum(items[-1].parts[next(reversed(items[-1].parts))]) > path.stat().st_size:
        raise InvalidData(f"{where} is cut short; copy or download it again.")
    return items


def _image(item: _Item, wanted: str | None) -> str | None:
    if wanted is not None:
        return wanted.lower().lstrip(".") if wanted.lower().lstrip(".") in item.parts else None
    return next((one for one in item.parts if f".{one.rpartition('.')[2]}" in IMAGE_SUFFIXES), None)


def _label(item: _Item, file: Any, wanted: str | None, where: str) -> Any:
    for ending in (wanted.lstrip("."),) if wanted else _LABELS:
        if ending in item.parts:
            text = _bytes(file, item.parts[ending]).decode(errors="replace").strip()
            return int(text) if text.removeprefix("-").isdigit() else text
    if "json" not in item.parts:
        return None
    try:
        record = json.loads(_bytes(file, item.parts["json"]))
        found = next(
            (record[one] for one in ((wanted,) if wanted else ("label", "cls")) if one in record), None
        )
    except (ValueError, TypeError) as err:
        raise InvalidData(
            f"{where} has a part `.json` of item {item.key!r} that cannot be read ({err})."
        ) from err
    if not isinstance(found, int | str | None):
        raise InvalidData(f"{where} has a label of item {item.key!r} that is neither a number nor a name.")
    return found


def _bytes(file: Any, place: Sequence[int]) -> bytes:
    file.seek(place[0])
    found: bytes = file.read(place[1])
    return found
