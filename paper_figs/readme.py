"""Regenerates what README shows: the digits figure, the printed report, the tables of theorems, real images and speed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import bounds
from bounds.cli import save_figure
from bounds.examples.demo import digits_comparison
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.report.format import significant
from bounds.theorems import THEOREMS

ROOT = Path(__file__).resolve().parents[1]
REAL = [
    "vicreg",
    "vicreg_certified",
    "vicreg_direct",
    "simclr",
    "vicreg_second_moment",
    "vicreg_second_moment_ridge",
    "centred_head",
    "pac_bayes_deterministic",
    "pac_bayes",
    "agreement",
    "reference_head",
    "held_out",
    "test_set",
]
DRAWN = [
    "vicreg",
    "vicreg_certified",
    "vicreg_sharp",
    "vicreg_direct",
    "vicreg_second_moment",
    "vicreg_second_moment_ridge",
    "trivial_reference",
    "simclr",
    "pac_bayes",
    "agreement",
    "reference_head",
    "test_set",
]
SHOWN = ["vicreg", "vicreg_certified", "vicreg_direct", "vicreg_second_moment", "test_set"]


def printed_report() -> str:
    """The report of the quick start, as doctest expects it."""
    data = digits()
    report = bounds.evaluate(
        CHECKPOINTS["VICReg"],
        data.labeled,
        data.unlabeled,
        test=data.test,
        pairs="class",
        fresh=True,
        class_prior="balanced",
        bounds=SHOWN,
    )
    return repr(report).replace("\n\n", "\n<BLANKLINE>\n")


def theorem_table() -> str:
    """One row per registered theorem."""
    rows = [f"| `{t.name}` | {t.title} | {t.predictor} | {t.source} |" for t in THEOREMS.values()]
    return "\n".join(["| name | what | predictor | source |", "| --- | --- | --- | --- |", *rows])


def real_images_table() -> str:
    """Selected rows of the saved evaluation of CIFAR-10 through a pretrained ImageNet encoder."""
    saved = json.loads((ROOT / "paper_figs" / "results" / "real_images.json").read_text())
    found = {row["bound"]: row for row in saved["bounds"]}
    lines = ["| bound | axis | value | measured for its own head |", "| --- | --- | --- | --- |"]
    for name in REAL:
        row = found[name]
        measured = "–" if row["measured"] is None else significant(row["measured"], 3)
        star = "" if row["certified"] else " (estimate)"
        lines.append(
            f"| `{name}`{star} | {row['axis']} | {significant(row['value'], 3, up=True)} | {measured} |"
        )
    sizes = saved["sizes"]
    head = (
        f"n = {sizes['n']:,} labels, m = {sizes['m']:,} class pairs, d = {sizes['d']}, "
        f"δ = {saved['provenance']['settings']['delta']}; vacuous from loss {significant(saved['trivial_loss'], 3)}, "
        f"measured error {significant(saved['test_error'], 3)} on 10,000 test images."
    )
    return f"{head}\n\n" + "\n".join(lines)


def speed_table() -> str:
    """The saved ratios of `tests/benchmarks.py`."""
    saved = json.loads((ROOT / "paper_figs" / "results" / "benchmarks.json").read_text())
    machine = saved["comparison"].pop("provenance")
    for one in saved.values():
        one.pop("provenance", None)
    through, stream, comparison = (saved[k] for k in ("extraction", "stream", "comparison"))
    sizes = [one for one in saved["least_squares"].values() if isinstance(one, dict)]
    factors = [ratio for one in sizes for ratio in one["ratio"].values()]
    size, report = list(saved["report"].items())[-1]
    share = through["share_of_bare_throughput"]
    needed, used = (report[key]["added_memory_mb"] / 1024 for key in ("script", "same"))
    lines = {
        "extraction through a ResNet-18, from memory and from parquet": f"{share['memory']:.2f} and "
        f"{share['parquet']:.2f} of the bare forward pass's throughput",
        "least-squares summary, in chunks": f"{min(factors):.2f} to {max(factors):.2f} of one QR of all rows",
        "sign draws": f"{saved['signs']['float32_rademacher_to_gemm']:.2f} of one matrix product",
        "all-pairs hinge and logistic": f"{saved['all_pairs']['ratio']['both']:.2f} of the products of all ordered pairs",
        f"summaries of {stream['lengths'][-1]['rows']:,} x {stream['dim']} rows": ""
        f"{stream['microseconds_per_row'][-1]:.0f} µs a row; {stream['peak_mb']:.0f} MB at the peak",
        "two processes": f"{saved['processes']['speedup']:.2f} times as fast as one",
        f"{comparison['bounds']} bounds, n = m = {comparison['items']:,}, d = {comparison['dim']}": ""
        f"{comparison['wall_seconds']:.0f} s on {comparison['threads']} cores",
        f"report, n x d x K = {size}": f"{report['speedup']['same']:.1f} times as fast as a numpy script of the same "
        f"bounds, {used:.1f} GB of memory against {needed:.0f} GB (computed, and its similarities timed on "
        f"{report['script']['rows_of_similarities_done']:,} rows); {report['speedup']['all']:.1f} times as fast with "
        "every bound",
    }
    rows = [f"| {what} | {cost} |" for what, cost in lines.items()]
    head = f"CPU time on one thread unless cores are named; {machine['cores']} cores, torch {machine['versions']['torch']}."
    return "\n".join([head, "", "| what | cost |", "| --- | --- |", *rows])


def main() -> None:
    """Write the figure and fill README's generated parts."""
    figures = ROOT / "paper_figs" / "figures"
    figures.mkdir(exist_ok=True)
    save_figure(digits_comparison(bounds=DRAWN).plot(), figures / "digits")
    readme = ROOT / "README.md"
    text = readme.read_text()
    report, table = printed_report(), theorem_table()
    text = re.sub(r">>> report\n.*?(?=>>> report\[)", lambda _: f">>> report\n{report}\n", text, flags=re.S)
    text = re.sub(r"## Bounds\n\n.*?(?=\n## )", lambda _: f"## Bounds\n\n{table}\n", text, flags=re.S)
    table = real_images_table()
    text = re.sub(
        r"(## On real images\n\n[^\n]*\n[^\n]*\n\n).*?(?=\n## )",
        lambda m: f"{m[1]}{table}\n",
        text,
        flags=re.S,
    )
    table = speed_table()
    text = re.sub(r"(## Speed\n\n[^\n]*\n\n).*?(?=\n## )", lambda m: f"{m[1]}{table}\n", text, flags=re.S)
    readme.write_text(text)


if __name__ == "__main__":
    main()
