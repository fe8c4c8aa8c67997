"""Data on object stores and web servers: copied to this machine once, through fsspec."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path, PurePosixPath

from bounds.errors import InvalidInput, MissingDependency

FOLDER = "BOUNDS_CACHE"  # environment variable: where copies are kept


def is_remote(entry: object) -> bool:
    """Whether this is a URL of fsspec: "s3://bucket/data.parquet"."""
    return isinstance(entry, str) and "://" in entry


def fetched(url: str, where: str) -> list[Path]:
    """Copies of what a URL, which may be a pattern, names: files, or one folder.

    Copies lie in a folder of the user's cache (or `BOUNDS_CACHE`) named after the URL, and are used again while the
    sizes agree.

    Raises:
        MissingDependency: fsspec, or its part for this kind of store, is not installed.
        InvalidInput: nothing there, or no access.
    """
    try:
        import fsspec
    except ImportError as err:
        raise MissingDependency(
            f"{where} is a URL, which needs `fsspec`; `pip install 'ssl-bounds[remote]'`."
        ) from err
    try:
        files, path = fsspec.core.url_to_fs(url)
        names = sorted(files.glob(path)) if any(one in path for one in "*?[") else [path]
        found = [name for name in names if files.exists(name)]
        if not found:
            raise InvalidInput(f"{where}: nothing is at {url!r}.")
        home = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / f"bounds-cache-{os.getuid()}")
        folder = home / hashlib.sha256(url.encode()).hexdigest()[:16]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return [_copied(files, name, folder) for name in found]
    except ImportError as err:
        raise MissingDependency(f"{where}: {url.partition('://')[0]} needs another package ({err}).") from err
    except (OSError, ValueError) as err:
        if isinstance(err, InvalidInput):
            raise
        raise InvalidInput(f"{where}: {url!r} cannot be read ({type(err).__name__}: {err}).") from err


def _copied(files: object, name: str, folder: Path) -> Path:
    store: object = files
    target = folder / PurePosixPath(name).name
    if store.isdir(name):  # type: ignore[attr-defined]
        if not target.exists():
            store.get(name, str(target), recursive=True)  # type: ignore[attr-defined]
        return target
    if not target.exists() or target.stat().st_size != store.size(name):  # type: ignore[attr-defined]
        part = target.with_name(f".{target.name}.part")
        store.get_file(name, str(part))  # type: ignore[attr-defined]
        os.replace(part, target)
    return target
