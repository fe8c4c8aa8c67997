"""Cost of the complexities as ratios to a bare matrix product of the same operation count; prints JSON.

Run by hand: python tests/benchmarks_complexity.py [rows] [dim]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import torch

from bounds.complexity import FiniteClass, LinearHead, rademacher, signs
from bounds.representations.table import Representations

CLASSES, DRAWS, REPEATS, BLOCK = 10, 103, 5, 1024


def fastest(call: Callable[[], object]) -> float:
    """CPU seconds of the fastest of a few runs: other load only ever adds time."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def measure(rows: int, dim: int) -> dict[str, float]:
    """Ratios for (rows, dim) representations and CLASSES x DRAWS sign columns."""
    columns = CLASSES * DRAWS
    z = torch.randn(rows, dim)
    table = Representations((z,))
    result: dict[str, float] = {
        "rows": rows,
        "dim": dim,
        "sign_columns": columns,
        "threads": torch.get_num_threads(),
    }
    head = LinearHead(1.0, num_classes=CLASSES)
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        x = z.to(dtype)
        left = [torch.randn(columns, BLOCK, dtype=dtype) for _ in range(2)]
        blocks = x.split(BLOCK)

        def product(left: list[torch.Tensor] = left, blocks: tuple[torch.Tensor, ...] = blocks) -> None:
            for i, block in enumerate(blocks):
                torch.mm(left[i % 2][:, : len(block)], block)

        def draw(dtype: torch.dtype = dtype) -> None:
            for start in range(0, rows, BLOCK):
                signs(0, range(start, min(start + BLOCK, rows)), columns, dtype=dtype)

        bare = fastest(product)
        whole = fastest(lambda name=name: rademacher(table, head, draws=DRAWS, search=0, precision=name))
        result |= {
            f"{name}_gemm_seconds": bare,
            f"{name}_signs_alone_to_gemm": fastest(draw) / bare,
            f"{name}_rademacher_to_gemm": whole / bare,
        }
    pairs = [(z + 0.1 * j, z) for j in range(4)]
    result["finite_class_seconds"] = fastest(lambda: rademacher(pairs, FiniteClass(), draws=DRAWS))
    return result


if __name__ == "__main__":
    sizes = [int(argument) for argument in sys.argv[1:]] or [50_000, 512]
    print(json.dumps(measure(*sizes), indent=2))
