"""Memory of the driver of the Ray engine at some numbers of rows; prints JSON (not collected by pytest).

    python -m tests.benchmarks_ray [--rows 100000 1000000] [--dim 128] [--out x.json]

Needs Ray (the part `hubs` of .ci/run has it; PYTHONPATH as there). Each size runs in a process of its own, the driver,
whose anonymous memory is watched from before Ray starts until the store is written; rows lie in a memory map, written by
another process, as what a process freed changes what the next allocation costs. A report on test rows, made from the store
afterwards in a third, is measured apart: it holds labels and fingerprints of its rows, and what finds copies among them.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds
from bounds.evaluation.on_ray import fill_with_ray
from bounds.representations.store import RepresentationStore
from tests.benchmarks import provenance
from tests.benchmarks_imagenet import Memory

_BLOCK = 100_000


def write(folder: Path, rows: int, dim: int) -> dict[str, Any]:
    """Vectors in a memory map, and labels."""
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (rows, dim))
    for start in range(0, rows, _BLOCK):
        x[start : start + _BLOCK] = rng.normal(size=(min(_BLOCK, rows - start), dim))
    x.flush()
    np.save(folder / "y.npy", np.arange(rows) % 10)
    return {"labeled": (str(folder / "x.npy"), str(folder / "y.npy"))}


def measure(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    """The driver."""
    import ray

    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - else a busy machine leaves the workers no time
    started = time.perf_counter()
    with Memory() as memory:
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=150 * 2**20, log_to_driver=False)
        fill_with_ray(torch.nn.Flatten(), data, folder / "out", batch_size=4096)
    ray.shutdown()
    return {"driver_bytes": memory.most - memory.start, "wall_seconds": time.perf_counter() - started}


def report(folder: Path) -> int:
    """Memory of a report on the stored rows."""
    rng = np.random.default_rng(1)
    few = rng.normal(
        size=(1000, RepresentationStore.open(folder / "out" / "labeled", verify=False).manifest["dim"])
    )
    with Memory() as memory:
        bounds.evaluate(
            None,
            (few, np.arange(1000) % 10),
            test=folder / "out" / "labeled",
            bounds=["test_set"],
            fresh=True,
        )
    return memory.most - memory.start


def size(rows: int, dim: int) -> dict[str, Any]:
    """One size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = alone(write, folder, rows, dim)
        found = alone(measure, folder, data)
        assert RepresentationStore.open(folder / "out" / "labeled", verify=False).count == rows
        found |= {"report_bytes": alone(report, folder)}
    return {"rows": rows, "dim": dim, "bytes_of_rows": 4 * rows * dim, **found}


def alone(function: Any, *arguments: Any) -> Any:
    """What a function returns, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = {"sizes": [size(rows, options.dim) for rows in options.rows], "provenance": provenance()}
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
