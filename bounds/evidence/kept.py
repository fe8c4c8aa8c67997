"""What took long is kept in a folder until the report is there, so that a run that was killed goes on from it."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from bounds.errors import CannotWrite, InvalidOption
from bounds.evidence.saved import pack, unpack
from bounds.files import whole_file
from bounds.representations.table import Representations

SLOW = 1.0  # seconds from which a value is worth a file
T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """Values by key, one file each.

    Attributes:
        folder: Named after a digest of the data, the encoder and all options, so that other runs do not read it.
    """

    folder: Path

    @classmethod
    def of(cls, parent: Path, record: Mapping[str, Any], tables: list[Representations]) -> Kept | None:
        """For a run with this provenance on these tables; None where they do not tell it from others."""
        options = {key: value for key, value in record["options"].items() if key not in _NO_MATTER}
        plain = json.dumps({**record, "options": options}, sort_keys=True)
        if " at 0x" in plain or any(table.fingerprints is None for table in tables):
            return None
        digest = hashlib.sha256(plain.encode())
        for table in tables:
            for array in (table.fingerprints, table.labels):
                digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        return cls(parent / f"unfinished-{digest.hexdigest()[:16]}")

    def value(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is in the file of this key; else what `make` gives, written there if that took long."""
        name = _name(key)
        if name is None:
            return make()
        path = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.safetensors"
        try:
            found: T = unpack(torch.from_numpy(np.fromfile(path, np.uint8)))
            return found
        except Exception:  # not there, or damaged in any way: it is computed again
            started = time.monotonic()
            made = make()
        if time.monotonic() - started >= SLOW:
            self._write(path, made)
        return made

    def _write(self, path: Path, made: Any) -> None:
        try:
            packed = pack(made)
            self.folder.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as part:
                packed.numpy().tofile(part)
        except (InvalidOption, CannotWrite, OSError):
            pass  # of a kind that is not kept, or no place: nothing is lost but time

    def finished(self) -> None:
        """The report is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


_NO_MATTER = ("name", "progress", "save_representations")  # to what is computed


def _name(key: Any) -> str | None:
    """A key in words that another process makes alike; None for one that holds anything but plain values."""
    if key is None or isinstance(key, str | int | float):
        return repr(key)
    parts: list[Any] = []
    if isinstance(key, tuple):
        parts = list(key)
    elif is_dataclass(key):
        parts = [type(key).__name__, *(getattr(key, one.name) for one in fields(key))]
    else:
        return None
    names = [_name(one) for one in parts]
    return None if None in names else f"({', '.join(str(one) for one in names)})"
