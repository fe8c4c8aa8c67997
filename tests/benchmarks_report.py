"""Time to render: the page of a report of every bound, and the figure and page of six encoders, against a bare template.

    python -m tests.benchmarks_report [--out FILE]

Each cost stands beside that of the plainest thing that writes as many rows: a table of the same cells by `str.join`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import bounds
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.report.text import error_cell, measured_cell, state, value_cell


def timed(call: Callable[[], Any], repeats: int = 3) -> float:
    """Least CPU seconds of a few calls, formulas and templates known after the first, which is reported apart."""
    costs = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        costs.append(time.process_time() - start)
    return min(costs)


def plain(report: bounds.Report) -> str:
    """The cells of the table and nothing else."""
    rows = [
        (bound.name, error_cell(bound), value_cell(bound), measured_cell(report, bound), state(bound))
        for bound in report
    ]
    return "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)


def main() -> None:
    """Print the costs, and save them if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    data = digits()
    report = bounds.evaluate(
        CHECKPOINTS["VICReg"], data.labeled, data.unlabeled, test=data.test, pairs="class", fresh=True,
        class_prior="balanced", nonnegative=True,
    )  # fmt: skip
    six = bounds.compare({f"encoder {i}": replace(report, name=f"encoder {i}") for i in range(6)})
    start = time.process_time()
    report.to_html()
    found = {
        "bounds": len(report),
        "page, first": time.process_time() - start,
        "page": timed(report.to_html),
        "plain table": timed(lambda: plain(report)),
        "figure": timed(lambda: report.plot().savefig("/dev/null", format="png")),
        "page of six": timed(six.to_html),
        "figure of six": timed(lambda: six.plot().savefig("/dev/null", format="png")),
    }
    found["page to plain table"] = found["page"] / found["plain table"]
    text = json.dumps({key: round(value, 4) for key, value in found.items()}, indent=1)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
