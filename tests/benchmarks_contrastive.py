"""Cost of the all-pairs contrastive losses against a bare matrix product of equal count; prints JSON.

The bare product forms the similarity of every ordered pair, m·m·d multiplications and additions, block by
block in the same precision, and does nothing with it. `--items 50000 --dim 512` is the size the package is
made for.
"""

import argparse
import json
import resource
import time

import torch

from bounds.evidence.contrastive import all_pairs
from bounds.representations.table import Representations


def bare(first: torch.Tensor, block: int) -> None:
    """Every block of A Aᵀ, into one buffer."""
    buffer = first.new_empty(block, block)
    whole = len(first) // block * block
    for i in range(0, whole, block):
        for j in range(0, whole, block):
            torch.mm(first[i : i + block], first[j : j + block].T, out=buffer)


def seconds(run) -> float:
    """Wall seconds; CPU seconds with one thread, which other load on the machine disturbs less."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    run()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=16384)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    generator = torch.Generator().manual_seed(0)
    first = torch.nn.functional.normalize(torch.randn(options.items, options.dim, generator=generator))
    second = torch.nn.functional.normalize(
        first + 0.03 * torch.randn(options.items, options.dim, generator=generator)
    )
    table = Representations((first, second))
    block = 1024
    found = {}
    for dtype in (torch.float32, torch.float64):
        kind, matrix = str(dtype).removeprefix("torch."), first.to(dtype)
        runs = {
            "bare": lambda matrix=matrix: bare(matrix, block),
            "hinge": lambda dtype=dtype: all_pairs(table, logistic=False, radius=1.001, dtype=dtype),
            "logistic": lambda dtype=dtype: all_pairs(table, hinge=False, radius=1.001, dtype=dtype),
            "both": lambda dtype=dtype: all_pairs(table, radius=1.001, dtype=dtype),
            "both_six_scales": lambda dtype=dtype: all_pairs(
                table, [2 ** (j / 2) for j in range(-2, 4)], radius=1.001, dtype=dtype
            ),
        }
        # Each round times all of them in turn, so that other load on the machine strikes them alike.
        times = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                times[name].append(seconds(run))
        best = {name: min(values) for name, values in times.items()}
        found[kind] = {
            "seconds": best,
            "ratio_to_all_ordered_pairs": {
                name: best[name] / best["bare"] for name in runs if name != "bare"
            },
            "ratio_to_products_done": {
                name: 2 * best[name] / best["bare"] for name in runs if name != "bare"
            },
            "bare_gflops": 2 * options.items**2 * options.dim / best["bare"] / 1e9,
        }
    one = all_pairs(table, radius=1.001)
    found |= {
        "items": options.items,
        "dim": options.dim,
        "threads": options.threads,
        "rounding": {"hinge": one.hinge_rounding[0], "logistic": one.logistic_rounding[0]},
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
