"""The encoder on a Ray cluster: parts of the rows on actors, joined to the store that one process would have written."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bounds import errors
from bounds.encoders.checkpoints import Encoder, load_encoder
from bounds.errors import BoundsError, InvalidData, InvalidOption, MissingDependency
from bounds.evaluation.loading import load
from bounds.representations.extraction import extract_part
from bounds.representations.inputs import Source, open_source
from bounds.representations.merging import merge_stores
from bounds.representations.store import MANIFEST, RepresentationStore

_PARTS = 8  # a worker, so that a slow or lost one holds up little
_MOST_ROWS = 2**17  # of a part


def fill_with_ray(
    checkpoint: Any,
    data: Mapping[str, Any],
    folder: str | Path,
    *,
    preprocessing: Any = None,
    architecture: Any = None,
    prefix: str | None = None,
    pairs: str = "augmentation",
    size: int | None = None,
    seed: int = 0,
    batch_size: int = 256,
    autocast: bool = False,
    num_classes: int | None = None,
    renumber: bool = False,
    workers: int | None = None,
) -> Path:
    """Representations of all roles in a folder, which `evaluate(..., save_representations=folder)` then finds finished.

    A task opens the data of each role and tells how many rows there are. Ray Data reads a list of row ranges; actors, one
    a GPU or else one a CPU, as many as the cluster has, each hold the encoder and write the representations of a range
    into a part of the store; a last task joins the parts by links. The driver opens neither data nor parts: no row, label,
    path or digest passes through it, so that its memory does not grow with their number (but for one range in 131,072
    rows). A worker that is killed is started again by Ray and goes on with the shards its part has. All machines must see
    the data and the folder under the same paths.

    Args:
        checkpoint: A path or name, or what Ray can send to its workers.
        data: Paths by role: "labeled", "unlabeled", "test"; None where there is none.
        folder: Where the representations go.
        preprocessing, architecture, prefix: As for `load_encoder`.
        pairs, size, seed, batch_size, autocast, num_classes, renumber: As for `evaluate`.
        workers: The most actors at a time; None leaves it to the size of the cluster.

    Returns:
        The folder.

    Raises:
        MissingDependency: Ray is not installed.
        InvalidOption: no checkpoint, or data of unknown length.
        InvalidData: what `evaluate` refuses in the data, or data that changed, or differ between the machines.
    """
    try:
        import ray
    except ImportError as err:
        raise MissingDependency(
            "The engine ray needs Ray; install it with `pip install 'ssl-bounds[ray]'`."
        ) from err
    if checkpoint is None:
        raise InvalidOption(
            "The engine ray runs an encoder; representations need none: leave `--engine` out."
        )
    loading = {"preprocessing": preprocessing, "architecture": architecture, "prefix": prefix}
    load(checkpoint, {**loading, "device": "cpu"})  # what is wrong with it is said here
    if not ray.is_initialized():
        ray.init(logging_level="warning", log_to_driver=False)
    resources = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    most = workers or max(1, gpus or int(resources.get("CPU", 1)))
    limit = None if renumber else num_classes
    how = {"size": size, "seed": seed, "batch_size": batch_size, "autocast": autocast}
    tasks: list[dict[str, Any]] = []
    whole = Path(folder).absolute()
    left = {
        role: given
        for role, given in data.items()
        if given is not None and not (whole / role / MANIFEST).is_file()
    }
    for role, count in _counts(ray, left, limit).items():
        of_pairs = {"views": 2, "pairs": pairs} if role == "unlabeled" else {}
        for start, stop in ranges(count, batch_size, most):
            part = parts_of(whole, role) / f"{start}-{stop}"
            tasks.append({"role": role, "rows": (start, stop), "folder": str(part), "how": how | of_pairs})
    if tasks:
        _run(ray, tasks, checkpoint, left, loading, limit, most, gpus)
    for role in dict.fromkeys(task["role"] for task in tasks):
        _elsewhere(ray, join, [(whole, role, [task["folder"] for task in tasks if task["role"] == role])])
    return Path(folder)


def ranges(count: int, batch_size: int, workers: int) -> list[tuple[int, int]]:
    """Consecutive ranges of whole batches that cover `count` rows."""
    batches = math.ceil(count / batch_size)
    each = min(math.ceil(batches / (_PARTS * workers)), max(1, _MOST_ROWS // batch_size)) * batch_size
    return [(start, min(start + each, count)) for start in range(0, count, each)]


def parts_of(folder: str | Path, role: str) -> Path:
    """Where the parts of a role lie until they are joined."""
    return Path(folder) / f"{role}-parts"


def _counts(ray: Any, data: Mapping[str, Any], limit: int | None) -> dict[str, int]:
    """Rows by role."""
    counts = _elsewhere(ray, count_rows, [(given, role, limit) for role, given in data.items()])
    for role, count in zip(data, counts, strict=True):
        if count is None:
            raise InvalidOption(f"`{role}` has no known length, which the engine ray needs; give files.")
    return dict(zip(data, counts, strict=True))


def _elsewhere(ray: Any, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Results for each tuple of arguments, from processes that end with it, so that their memory is given back."""
    task = ray.remote(max_calls=1)(function)
    try:
        found: list[Any] = ray.get([task.remote(*one) for one in arguments])
    except ray.exceptions.RayTaskError as err:
        if isinstance(err.cause, BoundsError):
            raise err.cause from None  # by its own sentence, without Ray's
        raise
    return found


def count_rows(given: Any, role: str, limit: int | None) -> int | None:
    """Number of rows of data that can be used, None where only reading to the end tells."""
    return open_source(given, name=role, num_classes=limit).count


def _run(
    ray: Any,
    tasks: list[dict[str, Any]],
    checkpoint: Any,
    data: dict[str, Any],
    loading: dict[str, Any],
    limit: int | None,
    most: int,
    gpus: int,
) -> None:
    numbers = ray.data.from_items([{"task": i} for i in range(len(tasks))], override_num_blocks=len(tasks))
    done = numbers.map_batches(
        Worker,
        fn_constructor_kwargs={
            "checkpoint": checkpoint, "data": data, "loading": loading, "limit": limit, "tasks": tasks,
            "device": "cuda" if gpus else "cpu",
        },
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(most, len(tasks))),
        num_cpus=None if gpus else 1,
        num_gpus=1 if gpus else None,
    )  # fmt: skip
    found = []
    for row in done.iter_rows():
        if row["refused"]:
            error: type[BoundsError] = getattr(errors, row["refused"])
            raise error(row["says"])
        found.append(int(row["task"]))
    if sorted(found) != list(range(len(tasks))):
        raise InvalidOption(
            f"Ray finished {len(found)} of {len(tasks)} parts; start again, finished ones stay."
        )


class Worker:
    """An actor: one encoder, and each source once, with what identifies it, as telling reads all of it."""

    def __init__(
        self,
        checkpoint: Any,
        data: dict[str, Any],
        loading: dict[str, Any],
        limit: int | None,
        tasks: list[dict[str, Any]],
        device: str,
    ) -> None:
        self._encoder: Encoder = load_encoder(checkpoint, device=device, **loading)
        self._data, self._limit, self._tasks, self._device = data, limit, tasks, device
        self._sources: dict[str, tuple[Source, dict[str, Any]]] = {}

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Write the part of each task of the batch; what is refused is handed on, as Ray Data drops what errors say."""
        found = []
        for number in batch["task"]:
            try:
                self._write(self._tasks[int(number)])
                found.append(("", ""))
            except BoundsError as err:
                found.append((type(err).__name__, str(err)))
        refused, says = (np.array(column, dtype=object) for column in zip(*found, strict=True))
        return {"task": batch["task"], "refused": refused, "says": says}

    def _write(self, task: dict[str, Any]) -> None:
        role = task["role"]
        if role not in self._sources:
            opened = open_source(self._data[role], name=role, num_classes=self._limit)
            self._sources[role] = opened, opened.fingerprint()
        source, known = self._sources[role]
        extract_part(
            self._encoder,
            source,
            task["folder"],
            tuple(task["rows"]),
            role=role,
            device=self._device,
            known=known,
            **task["how"],
        )


def join(folder: str | Path, role: str, parts: Sequence[str]) -> None:
    """Make one store of the parts of a role, which go; a task that was killed may have made it before.

    Raises:
        InvalidData: parts that were made from other data than the first.
    """
    if (Path(folder) / role / MANIFEST).is_file():
        shutil.rmtree(parts_of(folder, role), ignore_errors=True)
        return
    data: Any = None
    for part in parts:
        identity = RepresentationStore.open(part, verify=False).manifest["identity"]
        data = identity["data"] if data is None else data
        if identity["data"] != data:
            raise InvalidData(
                f"`{role}` changed while it was read, or differs between the machines: {part} and {parts[0]} were made from "
                f"other data; delete {parts_of(folder, role)} and start again."
            )
    merge_stores(parts, Path(folder) / role, identity=identity | {"rows": [0, None]}, verify=False)
    shutil.rmtree(parts_of(folder, role), ignore_errors=True)
