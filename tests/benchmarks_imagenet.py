"""A whole report on representations of ImageNet's kind from a memory map; prints JSON (not collected by pytest).

    OMP_NUM_THREADS=1 python tests/benchmarks_imagenet.py [--items 100000 200000] [--dim 768] [--classes 1000] [--out x.json]

Processor seconds of one QR of all rows [1 Z Y] and one scoring pass, of the whole report, and of each theorem in the
order of evaluation (the first to need something shared pays for it); and the largest anonymous memory, which leaves the
pages of the map out. Each size runs in a process of its own. From the last two sizes all times are continued in a
straight line to `--full`: what is thinned or limited by sizes is the same for both.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import bounds
import bounds.evaluation.theorems as evaluated
from bounds.evidence.evidence import Evidence
from bounds.representations.inputs import open_source
from bounds.theorems import THEOREMS
from tests.benchmarks import provenance

_ROWS = 20_000


def write(folder: Path, items: int, dim: int, classes: int) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(classes, dim)).astype(np.float32)
    labels = rng.integers(classes, size=items)
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (items, dim))
    for row in range(0, items, _ROWS):
        part = labels[row : row + _ROWS]
        x[row : row + _ROWS] = centres[part] + 3 * rng.normal(size=(len(part), dim)).astype(np.float32)
    x.flush()
    np.save(folder / "y.npy", labels)
    return folder / "x.npy", folder / "y.npy"


class Memory:
    """The largest anonymous resident memory of this process while it is watched, bytes."""

    def __enter__(self) -> Memory:
        self.start, self.most, self._done = self._now(), 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.most = max(self.most, self._now())

    @staticmethod
    def _now() -> int:
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(fields["RssAnon"].split()[0]) * 1024


def measure(items: int, dim: int, classes: int) -> dict[str, Any]:
    """One size."""
    torch.set_num_threads(1)
    spent: dict[str, float] = {}

    def timed(theorems: Any, shown: bool) -> Iterator[Any]:
        for theorem in theorems:
            started = time.process_time()
            yield theorem
            spent[theorem.name] = time.process_time() - started

    evaluated.followed = timed
    with tempfile.TemporaryDirectory() as name:
        data = write(Path(name), items, dim, classes)
        evidence = _evidence(data, classes)
        started = time.process_time()
        evidence.least_squares.svd  # noqa: B018
        factorised = time.process_time() - started
        head = evidence.head
        started = time.process_time()
        for (z, *_), _labels in evidence.labeled.chunks():
            head(z)
        scored = time.process_time() - started
        del evidence, head
        started = time.process_time()
        with Memory() as memory:
            report = bounds.evaluate(None, data, num_classes=classes, fresh=True)
        total = time.process_time() - started
    estimates = sum(spent[one] for one in spent if THEOREMS[one].kind != "bound")
    return {
        "items": items, "dim": dim, "classes": classes, "qr_seconds": factorised, "scoring_pass_seconds": scored,
        "report_seconds": total, "bounds_seconds": total - estimates,
        "memory_beyond_the_map_bytes": memory.most - memory.start,
        "certified": sorted(name for name, one in report.bounds.items() if one.certified),
        "seconds_of_theorems": dict(sorted(spent.items(), key=lambda one: -one[1])),
    }  # fmt: skip


def continued(sizes: list[dict[str, Any]], items: int) -> dict[str, Any]:
    """Times at another number of rows, on the line through the last two sizes."""
    first, second = sizes[-2:]

    def line(*names: str) -> float:
        low, high = (sum(one[name] for name in names) for one in (first, second))
        return low + (high - low) * (items - first["items"]) / (second["items"] - first["items"])

    unit = line("qr_seconds", "scoring_pass_seconds")
    return {
        "items": items,
        "qr_and_scoring_minutes": unit / 60,
        "report_minutes": line("report_seconds") / 60,
        "report_over_qr_and_scoring": line("report_seconds") / unit,
        "bounds_over_qr_and_scoring": line("bounds_seconds") / unit,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 200_000])
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--full", type=int, default=1_281_167)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    sizes = []
    for items in options.items:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            sizes.append(pool.apply(measure, (items, options.dim, options.classes)))
        print(json.dumps(sizes[-1], indent=1), flush=True)
    found = {"sizes": sizes, "provenance": provenance()}
    if len(sizes) > 1:
        found["continued"] = continued(sizes, options.full)
        print(json.dumps(found["continued"], indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _evidence(data: tuple[Path, Path], classes: int) -> Evidence:
    from bounds.assumptions.assumption import TITLES, Assumption
    from bounds.evidence.setting import Setting
    from bounds.representations.extraction import extract

    table = extract(None, open_source(data, name="labeled"), role="labeled").representations
    assumptions = {name: Assumption(name, "holds", "synthetic") for name in TITLES}
    return Evidence(Setting(classes, 1.0, 2.0, assumptions), table)


if __name__ == "__main__":
    main()
