"""Files and folders that are there whole or not at all, and folders that one run writes at a time."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bounds.errors import CannotWrite

try:
    import fcntl
except ImportError:  # no such locks on Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """What goes wrong while `path` is written is said in one sentence.

    Raises:
        CannotWrite: no space, no permission, no such folder.
    """
    from safetensors import SafetensorError

    try:
        yield
    except CannotWrite:
        raise
    except (OSError, SafetensorError) as error:
        raise CannotWrite(
            f"Cannot write `{path}` ({error}); make room, or give a place that exists and can be written, and run it again."
        ) from error


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The name under which to write a file, beside it; renamed at the end, so that no reader sees half of it.

    Raises:
        CannotWrite: as `writing`; what was there before is unchanged.
    """
    target = Path(path)
    with writing(target):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            yield part
            part.chmod(0o666 & ~_umask())
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The same for a folder, which must be empty or not there.

    Raises:
        CannotWrite: as `writing`.
    """
    target = Path(path)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part"))
        try:
            yield part
            part.chmod(0o777 & ~_umask())
            os.replace(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Tensor], notes: Mapping[str, str] | None = None
) -> None:
    """A `.safetensors` file whose bytes depend on nothing but the tensors and the notes.

    safetensors writes notes in an order drawn anew in each process, so that equal runs leave unequal files; here they
    are sorted.
    """
    from safetensors.torch import save_file

    plain = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
    save_file(plain, path, None if notes is None else dict(notes))
    if notes is None:
        return
    with open(path, "r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        file.seek(8)
        file.write(json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(size))


@contextmanager
def alone_in(folder: str | os.PathLike[str]) -> Iterator[None]:
    """A folder, made if missing, that no other run writes into meanwhile; the lock ends with the process.

    Raises:
        CannotWrite: another run has it, or as `writing`.
    """
    with writing(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        if fcntl is None:
            yield
            return
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotWrite(
                f"Another run is writing into `{folder}`; wait for it, or give another folder."
            ) from error
        yield
    finally:
        os.close(descriptor)


def _umask() -> int:
    """The process's mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
