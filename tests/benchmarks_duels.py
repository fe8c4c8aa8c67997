"""Memory, passes and time of duels, rankings and certificates to a target over many unlabeled items; prints JSON.

    python tests/benchmarks_duels.py [--items 1000000] [--encoders 10] [--out FILE]

One case a process. What is counted is anonymous memory of the process (RssAnon, Linux) beyond what there was before the
call, a smaller call having loaded what there is to load, in bytes an item and encoder: its peak during the call
(`peak_bytes`), its peak while labels are asked and answered (`peak_bytes_of_labels`), and what is kept after the call
(`kept_bytes`, with free pages of the allocator), of which the object itself holds `held_bytes`. Everything is in it, buffers
of a few MB that do not grow with the items as well. Mapped files are not: the items, and representations and their
projections, which go through temporary files. The exit code is 1 where a peak of a ranking is above 8. Passes are rows that
went through an encoder by the items.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds

DIM, CLASSES, LABELED = 16, 100, 5_000
MOST = 8.0  # bytes an item and encoder
CASES = ("rank", "duel", "certify")


class Counting:
    """An encoder: all but some of the coordinates; counts its rows."""

    def __init__(self, without: int) -> None:
        self.kept = [at for at in range(DIM) if at != without]
        self.rows = 0

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.rows += len(x)
        return x[:, self.kept]


def anonymous() -> int:
    """Bytes of anonymous memory of this process."""
    text = Path("/proc/self/status").read_text("ascii")
    return 1024 * int(re.search(r"RssAnon:\s+(\d+)", text)[1])  # type: ignore[index]


def watched(run: Callable[[], Any]) -> tuple[Any, int]:
    """(result, largest anonymous memory while it ran)."""
    seen, ended = [anonymous()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            seen.append(anonymous())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        made = run()
        seen.append(anonymous())
    finally:
        ended.set()
        thread.join()
    return made, max(seen)


def held(one: Any) -> int:
    """Bytes of the arrays that the object itself holds; what is kept beyond is of the allocator and of others."""
    arrays = [*vars(one.panel).values(), *vars(one.answers).values()]
    return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def rows_of(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Round classes that overlap a little: x (count, DIM), y."""
    rng = np.random.default_rng(seed)
    y = rng.integers(CLASSES, size=count)
    x = np.random.default_rng(0).standard_normal((CLASSES, DIM), dtype=np.float32)[y]
    for part in np.array_split(x, 100):
        part += 1.0 * rng.standard_normal(part.shape, dtype=np.float32)
    return x, y


def measure(case: str, items: int, encoders: int) -> dict[str, Any]:
    """One case, after a small one that loads what there is to load."""
    torch.set_num_threads(1)
    labeled = rows_of(LABELED, 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.npy"
        x, truth = rows_of(items, 2)
        np.save(path, x)
        del x
        small = run(case, labeled, rows_of(50_000, 3)[0], encoders)[0]
        del small
        gc.collect()
        before, begun, wall = anonymous(), time.process_time(), time.perf_counter()
        (one, used), most = watched(lambda: run(case, labeled, np.load(path, mmap_mode="r"), encoders))
        seconds = {"cpu_seconds": time.process_time() - begun, "wall_seconds": time.perf_counter() - wall}
        gc.collect()
        kept = anonymous() - before
    count = len(one.panel.names)
    begun = time.process_time()
    labels, most_labels = watched(lambda: answer(one, truth))
    each = items * count
    return {
        "items": items,
        "encoders": count,
        "asked": len(one.panel.rows),
        "passes": [encoder.rows / items for encoder in used],
        "held_bytes": held(one) / each,
        "kept_bytes": kept / each,
        "peak_bytes": (most - before) / each,
        "peak_bytes_of_labels": (most_labels - before) / each,
        **seconds,
        "labels": labels,
        "verdict": one.verdict,
        "cpu_seconds_of_labels": time.process_time() - begun,
    }


def answer(one: Any, truth: np.ndarray) -> int:
    """True labels until there is a verdict, 1000 at most; how many."""
    labels = 0
    while one.verdict == "undecided" and len(one.to_label) and labels < 1000:
        asked = one.to_label[:100]
        one.add(asked, truth[asked])
        labels += len(asked)
    return labels


def run(case: str, labeled: Any, items: np.ndarray, encoders: int) -> tuple[Any, list[Counting]]:
    """The call, and the encoders with their counts of rows beyond the labeled ones."""
    chosen = [Counting(at) for at in range({"duel": 2, "certify": 1}.get(case, encoders))]
    common: dict[str, Any] = {"num_classes": CLASSES, "head": "nearest_mean", "batch_size": 4096}
    made: Any
    if case == "rank":
        made = bounds.rank({str(at): one for at, one in enumerate(chosen)}, labeled, items, **common)
    elif case == "duel":
        made = bounds.duel(*chosen, labeled, items, **common)
    else:
        report = bounds.evaluate(
            chosen[0], labeled, num_classes=CLASSES, head="nearest_mean", bounds=["held_out"], progress=False
        )
        chosen[0].rows = 0
        made = bounds.certify(report["held_out"].predictor, items, target=0.6, batch_size=4096)
    for one in chosen:
        one.rows -= len(labeled[0]) if case != "certify" else 0
    return made, chosen


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=10**6)
    parser.add_argument("--encoders", type=int, default=10)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(argv)
    found = {}
    for case in [options.only] if options.only else CASES:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found[case] = pool.apply(measure, (case, options.items, options.encoders))
        print(json.dumps({case: found[case]}, indent=1), flush=True)
    if options.out:
        part = options.out.with_suffix(".part")
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        os.replace(part, options.out)
    peaks = [found["rank"][key] for key in ("peak_bytes", "peak_bytes_of_labels")] if "rank" in found else []
    return int(max(peaks, default=0.0) > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
