"""Cost of few-shot limits and of heads that pick, against what they may cost; prints JSON.

Run by hand: python tests/benchmarks_few_shot.py [case], one case a process, as the peak memory is the process's own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import bounds

Rows = tuple[np.ndarray, np.ndarray]


def cloud(count: int, dim: int, classes: int, distance: float) -> Rows:
    """Float32 rows of round classes that lie `distance` standard deviations apart, each with as many items."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((classes, dim), dtype=np.float32) * (distance / (2 * dim) ** 0.5)
    y = rng.permutation(np.arange(count) % classes)
    x = means[y]
    for part in np.array_split(x, 50):  # so that making the data needs no more memory than the data
        part += rng.standard_normal(part.shape, dtype=np.float32)
    return x, y


def limit(rows: Rows, shots: int) -> float:
    """The certified few-shot limit from representations, 100 permutations."""
    table = bounds.few_shot(*rows, shots=shots, fresh=True, normalize=None, permutations=100).to_frame()
    return float(table.loc[shots, "limit"])


def picked(rows: Rows) -> float:
    """The limit of the head that picks its labels."""
    report = bounds.evaluate(
        None, rows, bounds=["pick_to_learn"], labeled_is_fresh=True, normalize=None, progress=False
    )
    return report["pick_to_learn"].value


# What is measured: size n x d x K, distance of the classes, the call; and what it may cost.
CASES: dict[str, tuple[tuple[int, int, int], float, Callable[[Rows], float], dict[str, float]]] = {
    "few_shot, 5 shots": ((20_000, 512, 10), 3.0, lambda rows: limit(rows, 5), {"seconds": 5}),
    "few_shot, 10 shots": (
        (50_000, 512, 1000),
        8.0,
        lambda rows: limit(rows, 10),
        {"seconds": 60, "added_memory_mb": 1000},
    ),
    "pick_to_learn": ((20_000, 512, 10), 3.0, picked, {"seconds": 60}),
}


def measure(case: str) -> dict[str, Any]:
    """Seconds, CPU and wall, on one thread, and memory beyond the data of one case."""
    size, distance, call, most = CASES[case]
    torch.set_num_threads(1)
    call(cloud(200, 16, 4, distance))  # imports
    rows = cloud(*size, distance)
    before, cpu, wall = _peak(), time.process_time(), time.perf_counter()
    value = call(rows)
    return {
        "size": "x".join(map(str, size)),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "added_memory_mb": _peak() - before,
        "data_mb": rows[0].nbytes / 2**20,
        "most": most,
        "value": value,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
