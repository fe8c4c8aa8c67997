"""One extraction by all processes of a run: each its range of rows, then one store that all of them read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bounds.errors import InvalidOption
from bounds.files import alone_in
from bounds.processes import Processes
from bounds.representations.merging import merge_stores
from bounds.representations.store import MANIFEST, RepresentationStore, StoreWriter


def extract_together(
    processes: Processes,
    identity: dict[str, Any],
    save: str | os.PathLike[str] | None,
    rows: tuple[int, int | None],
    write: Callable[[StoreWriter, int, int | None], None],
    begin: Callable[[Path, dict[str, Any], int], StoreWriter],
    name: str,
) -> Path:
    """Fill a folder with the store that one process alone would have written.

    Process r of N writes the r-th part of the rows to `<folder>-parts/r-of-N`; when all are there, process 0 joins
    them. A run that was interrupted goes on with the parts it finds, if N is the same. A file system that all
    processes share is needed: the machine's own, or a network's.

    Args:
        processes: This process and how many there are.
        identity: As for `StoreWriter`; its "rows" are those of the whole.
        save: The folder; None makes a temporary one, which the caller removes.
        rows: Start and stop; an unknown stop leaves all rows to process 0.
        write: Appends rows start..stop of the data to a writer that may have begun.
        begin: A writer for a folder, an identity and a first row; refuses rows that do not belong to them.
        name: Of the data, for messages.

    Raises:
        ProcessFailed: in the processes that did not fail themselves.
        InvalidOption: the folder holds an unfinished store that one process began.
    """
    what = f"extracting {name}"
    made = tempfile.mkdtemp(prefix="bounds-") if save is None and processes.rank == 0 else ""
    folder = Path(save) if save is not None else Path(processes.texts(made, what)[0]) / "whole"
    parts = folder.with_name(f"{folder.name}-parts")
    start, stop = rows

    def finished() -> bool:
        if not (folder / MANIFEST).exists():
            return False
        if not begin(folder, identity, start).complete:
            raise InvalidOption(
                f"{folder} was begun by a single process; finish it with one, or delete it to start with several."
            )
        return True

    def own_part() -> None:
        here = range_of(processes, processes.rank, start, stop)
        if here is None:
            return
        one = identity | {"rows": list(here)}
        own = parts / f"{processes.rank}-of-{processes.world}"
        with alone_in(own):
            writer = begin(own, one, here[0])
            if not writer.complete:
                write(writer, *here)

    def join() -> None:
        if processes.rank == 0:
            used = [r for r in range(processes.world) if range_of(processes, r, start, stop) is not None]
            folders = [parts / f"{rank}-of-{processes.world}" for rank in used]
            merge_stores(folders, folder, identity=identity, verify=False)

    if not processes.together(what, finished):
        processes.together(what, own_part)
        processes.together(f"joining the parts of {name}", join)
    processes.together(f"reading {name}, which needs a file system that all share", lambda: _seen(folder))
    if processes.rank == 0:
        shutil.rmtree(parts, ignore_errors=True)
    return folder


def _seen(folder: Path) -> None:
    RepresentationStore.open(folder, verify=False)


def range_of(processes: Processes, rank: int, start: int, stop: int | None) -> tuple[int, int | None] | None:
    """Rows start..stop that a process extracts, or None where there are none for it."""
    if stop is None:
        return (start, None) if rank == 0 else None
    low, high = processes.share(max(stop - start, 0), rank)
    return (start + low, start + high) if low < high else None
