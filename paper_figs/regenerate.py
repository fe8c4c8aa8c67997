"""Rebuilds every figure and table, each from its own script, in one process.

    python paper_figs/regenerate.py --quick --out figures      small inputs, minutes on two cores, no external data
    python paper_figs/regenerate.py --only c_factor            one of them, full size

The full run reads paper_figs/results where the long experiments are saved, and otherwise computes them in a smaller
form; the head of each CSV says what it was drawn from. A script that fails is reported, and the exit status is 1.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import traceback

import style

FIGURES = {
    "normality": "p-values of normality against input noise",
    "pairwise_distances": "distances between raw images",
    "entropy_training": "entropy during training",
    "objectives": "table of objectives and linear probes",
    "data_sizes": "bounds against n, m, K",
    "term_stacks": "bounds term by term",
    "trajectory_bounds": "bounds along training against test error",
    "rademacher_curves": "Rademacher complexities against m",
    "bound_coverage": "coverage of every bound",
    "c_factor": "the factor c",
    "label_efficiency": "what labels and pairs buy",
    "coverage_against_error": "selective prediction: share answered against error",
    "labels_needed": "labels that tell which of two encoders is better",
    "zoo_analysis": "which measure ranks encoders",
    "swap_test": "the swap test against how often bounds on pairs fail",
}


def main(argv: list[str] | None = None) -> int:
    parser = style.parser(__doc__)
    parser.add_argument("--only", action="append", choices=FIGURES, metavar="NAME", help=", ".join(FIGURES))
    options = parser.parse_args(argv)
    passed = ["--out", str(options.out), "--data", str(options.data), "--seed", str(options.seed)]
    failed = []
    for name in options.only or FIGURES:
        began, used = time.perf_counter(), time.process_time()
        try:
            importlib.import_module(name).main([*passed, *(["--quick"] if options.quick else [])])
        except Exception:  # one figure must not cost the others
            traceback.print_exc()
            failed.append(name)
        print(
            f"{name}: {FIGURES[name]}, {time.perf_counter() - began:.1f} s, CPU {time.process_time() - used:.1f} s",
            flush=True,
        )
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.exit(main())
