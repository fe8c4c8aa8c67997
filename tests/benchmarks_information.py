"""Times blocked pairwise computations against the bare matrix product; prints JSON. No test: run it by hand.

python tests/benchmarks_information.py --rows 50000 --dim 512
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable

import torch

from bounds.information import infonce_information, mixture_entropy, pairwise_distances, uniformity
from bounds.information.pairwise import nearest, product_blocks


def seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Time of one run."""
    start = clock()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return clock() - start


def measure(rows: int, dim: int, repeat: int, block: int, device: str, clock: str) -> dict[str, object]:
    """Best seconds of each computation, runs interleaved, and the ratio to the bare product."""
    tick = {"wall": time.perf_counter, "cpu": time.process_time}[clock]
    x = torch.randn(rows, dim, generator=torch.Generator().manual_seed(0)).to(device)
    y = x + 0.1

    def bare() -> None:
        for _ in product_blocks(x, x, block):
            pass

    runs: dict[str, Callable[[], object]] = {
        "bare_product": bare,
        "mixture_entropy": lambda: mixture_entropy(x, 1.0, block=block),
        "uniformity": lambda: uniformity(x, block=block),
        "nearest_neighbours": lambda: nearest(x, 3, block),
        "histogram_and_neighbours": lambda: pairwise_distances(x, block=block),
        "infonce_two_sided": lambda: infonce_information((x, y), block=block),
    }
    rounds = [{name: seconds(run, tick) for name, run in runs.items()} for _ in range(repeat)]
    times = {name: min(r[name] for r in rounds) for name in runs}
    ratios = {n: t / times["bare_product"] for n, t in times.items()}
    return {
        "rows": rows, "dim": dim, "block": block, "device": device, "clock": clock, "dtype": "float32",
        "threads": torch.get_num_threads(), "machine": platform.machine(), "torch": torch.__version__,
        "seconds": times, "ratio_to_product": ratios,
    }  # fmt: skip


def main() -> None:
    """Read the sizes, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--block", type=int, default=2048)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu time on a busy machine")
    print(json.dumps(measure(**vars(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
