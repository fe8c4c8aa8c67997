"""A whole report on representations of ImageNet's kind from a memory map; prints JSON (not collected by pytest).

    python tests/benchmarks_imagenet.py [--items 20000] [--dim 256] [--classes 200] [--full 1281167 768 1000] [--out x.json]

Measured are the seconds of one QR and one scoring pass of all rows, those of the whole report and of each bound in the
order of evaluation (the first to need something shared pays for it), and the largest anonymous memory, which leaves the
pages of the map out. The time at full size is an extrapolation: the same multiple of one QR and one scoring pass, whose
time grows as n d (d + K).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch

import bounds
from bounds.evidence.evidence import Evidence
from bounds.representations.inputs import open_source

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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("items", 20_000), ("dim", 256), ("classes", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--full", type=int, nargs=3, default=(1_281_167, 768, 1000))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    spent: dict[str, float] = {}

    def timed(theorems, shown):
        for theorem in theorems:
            started = time.perf_counter()
            yield theorem
            spent[theorem.name] = time.perf_counter() - started

    import bounds.evaluation.theorems as evaluated

    evaluated.followed = timed
    with tempfile.TemporaryDirectory() as name:
        data = write(Path(name), options.items, options.dim, options.classes)
        evidence = _evidence(data, options.classes)
        started = time.perf_counter()
        evidence.least_squares.svd  # noqa: B018
        factorised = time.perf_counter() - started
        head = evidence.head
        started = time.perf_counter()
        for (z, *_), _labels in evidence.labeled.chunks():
            head(z)
        scored = time.perf_counter() - started
        started = time.perf_counter()
        with Memory() as memory:
            report = bounds.evaluate(None, data, num_classes=options.classes, fresh=True)
        total = time.perf_counter() - started
    n, d, k = options.full
    grows = n * d * (d + k) / (options.items * options.dim * (options.dim + options.classes))
    found = {
        "items": options.items, "dim": options.dim, "classes": options.classes, "threads": torch.get_num_threads(),
        "qr_seconds": factorised, "scoring_pass_seconds": scored, "report_seconds": total,
        "report_over_qr_and_scoring": total / (factorised + scored),
        "memory_beyond_the_map_bytes": memory.most - memory.start, "bounds": len(report.bounds),
        "seconds_of_bounds": dict(sorted(spent.items(), key=lambda one: -one[1])),
        "extrapolated": {"items": n, "dim": d, "classes": k, "report_hours": total * grows / 3600},
    }  # fmt: skip
    text = json.dumps(found, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


def _evidence(data: tuple[Path, Path], classes: int) -> Evidence:
    from bounds.assumptions.assumption import TITLES, Assumption
    from bounds.evidence.setting import Setting
    from bounds.representations.extraction import extract

    table = extract(None, open_source(data, name="labeled"), role="labeled").representations
    assumptions = {name: Assumption(name, "holds", "synthetic") for name in TITLES}
    return Evidence(Setting(classes, 1.0, 2.0, assumptions), table)


if __name__ == "__main__":
    main()
