"""Regenerates what README and the pages of docs show from saved results: figure, printed report, tables.

A page holds a table between `<!-- made by NAME of paper_figs/pages.py -->` and `<!-- end -->`, NAME being a key of `TABLES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import claims
import trust
import trusted_base
import zoo_words

import bounds
from bounds.cli import save_figure
from bounds.examples.demo import digits_comparison
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.report.format import significant

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
    "pick_to_learn",
    "agreement",
    "reference_head",
    "held_out",
    "test_set",
    "test_set_loss",
    "few_shot",
    "luthra_2026_exact",
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
    "pick_to_learn",
    "agreement",
    "reference_head",
    "test_set",
    "few_shot",
    "luthra_2026_exact",
]
FEW_PAIRS = (("SimCLR", "VICReg"), ("SimCLR", "Barlow Twins"), ("SimCLR", "BYOL"), ("ImageNet", "SimCLR"))
CLASSES = 10  # of the images of the zoo
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
    """The saved ratios of `tests/benchmarks.py`, the memory of `tests/benchmarks_duels.py` and the limits of proofs."""
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
    for case, one in saved.get("few_shot", {}).items():
        most = one["most"]
        memory = f", of {most['added_memory_mb'] / 1000:g} GB" if "added_memory_mb" in most else ""
        lines[f"{case}, n x d x K = {one['size']}"] = (
            f"{one['cpu_seconds']:.1f} s, of {most['seconds']:g} s that it may take; "
            f"{one['added_memory_mb'] / 1024:.2f} GB of memory beyond the data{memory}"
        )
    for case, one in json.loads((ROOT / "tests" / "results" / "benchmarks_duels.json").read_text()).items():
        encoders = f"{one['encoders']} encoders" if one["encoders"] > 1 else "one predictor"
        lines[f"`bounds.{case}`, {encoders}, {one['items']:,} items"] = (
            f"{one['cpu_seconds']:.0f} s, {max(one['passes']):.2f} passes each; {one['peak_bytes']:.1f} bytes an item and "
            f"encoder at the peak, {one['peak_bytes_of_labels']:.1f} while labels are asked, of which "
            f"{one['held_bytes']:.1f} are kept"
        )
    lines |= proof_speed(json.loads((ROOT / "tests" / "results" / "benchmarks_proofs.json").read_text()))
    lines |= _other_scales()
    rows = [f"| {what} | {cost} |" for what, cost in lines.items()]
    head = f"CPU time on one thread unless cores are named; {machine['cores']} cores, torch {machine['versions']['torch']}."
    return "\n".join([head, "", "| what | cost |", "| --- | --- |", *rows])


def proof_speed(saved: dict[str, Any]) -> dict[str, str]:
    """What `tests/benchmarks_proofs.py` found, each beside the time that it may take."""
    found, limits = saved["found"], saved["limits"]
    rows = {
        "derive, all": f"`bounds.derive` of all {found['proofs']} proofs, each step checked",
        "expression, slowest first": f"building an expression, the slowest (`{found['slowest first']}`), first in a process",
        "expression, slowest again": f"building an expression again, the slowest (`{found['slowest again']}`)",
        "evaluate, first, over imports and digits": f"`bounds.evaluate` on the digits, {found['bounds']} bounds, first in a "
        "process, beyond importing torch, scipy.stats and sympy and loading the digits",
        "bounds, again": "its bounds again, on the same summaries",
    }

    def seconds(number: float) -> str:
        return f"{number:.2g} s" if number >= 0.1 else f"{1000 * number:.2g} ms"

    def cost(name: str) -> str:
        missed = ": **missed**" if found[name] > limits[name] else ""
        return f"{seconds(found[name])}, of {seconds(limits[name])} that it may take{missed}"

    return {what: cost(name) for name, what in rows.items()}


def _other_scales() -> dict[str, str]:
    """Of `tests/benchmarks_extraction.py`, `tests/benchmarks_ray.py` and `tests/benchmarks_imagenet.py`."""
    results = ROOT / "tests" / "results"
    encoded, ray, imagenet = (
        json.loads((results / f"benchmarks_{name}.json").read_text("utf-8"))
        for name in ("extraction", "ray", "imagenet")
    )
    read = encoded["share_of_memory"]
    rows = [one["rows"] for one in ray["sizes"]]

    def in_turn(name: str) -> str:
        *first, last = (f"{one[name] / 2**20:,.0f}" for one in ray["sizes"])
        return f"{', '.join(first)} and {last} MB"

    of_ray = (
        f"{', '.join(f'{one:,}' for one in rows[:-1])} and {rows[-1]:,} rows of {ray['sizes'][-1]['dim']}"
    )
    last = imagenet["sizes"][-1]
    unit = last["qr_seconds"] + last["scoring_pass_seconds"]
    return {
        f"extraction through a ViT-S/16, {encoded['encoded']} images": f"{encoded['share_of_bare']['memory']:.2f} of the "
        "bare forward pass's throughput",
        "the same from parquet, folders and WebDataset, JPEGs of 375 x 500": f"{read['parquet']:.2f}, "
        f"{read['folder']:.2f} and {read['webdataset']:.2f} of the throughput from memory",
        f"Ray engine, {of_ray}": f"{in_turn('driver_bytes')} in the driver, where the rows are {in_turn('bytes_of_rows')}",
        "a report on these as test rows, made from the store afterwards": f"{in_turn('report_bytes')}",
        f"report from a memory map, n x d x K = {last['items']}x{last['dim']}x{last['classes']}": ""
        f"{last['report_seconds'] / 60:.1f} minutes, {last['bounds_seconds'] / unit:.1f} times one QR and one scoring pass "
        f"without the estimates, {last['report_seconds'] / unit:.1f} times with them; "
        f"{last['memory_beyond_the_map_bytes'] / 2**30:.1f} GB beyond the map",
    }


def error_bounds_table() -> str:
    """Certified error rates of the saved evaluation beside the error of their own heads."""
    saved = json.loads((ROOT / "paper_figs" / "results" / "real_images.json").read_text("utf-8"))
    rows = [
        row
        for row in saved["bounds"]
        if row["certified"] and row["axis"] == "error" and row["measured"] is not None
    ]
    rows.sort(key=lambda row: float(row["value"]))
    return trust.markdown(
        ["bound", "certified error", "measured", "times"],
        [
            [
                f"`{row['bound']}`",
                significant(row["value"], 3, up=True),
                significant(row["measured"], 3),
                f"{row['value'] / row['measured']:.2f}",
            ]
            for row in rows
        ],
    )


def few_labels_table() -> str:
    """Certified error against the number of labels, each theorem at its best share."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "holdout_shares.csv", comment="#")
    rows = rows[rows["data"] == "CIFAR-10, VICReg"]
    shares = [name for name in rows.columns if name[0].isdigit()]
    best = rows.groupby(["n", "theorem"])[shares].mean().min(axis=1).unstack()
    names = list(rows["theorem"].unique())
    return trust.markdown(
        ["labels", *(f"`{name}`" for name in names)],
        [[f"{n:,}", *(significant(best.loc[n, name], 3, up=True) for name in names)] for n in best.index],
    )


def held_out_shares_table() -> str:
    """What the default share costs against the best fixed one, of each theorem and number of labels."""
    import holdout_shares
    import pandas as pd

    draws = pd.read_csv(holdout_shares.RESULT)
    judged, chosen = draws, None
    if holdout_shares.FRESH.exists():
        judged, chosen = pd.read_csv(holdout_shares.FRESH), draws
    losses = holdout_shares.default_loss(judged, chosen)
    lines = []
    for n, part in losses.groupby("n"):
        cells = []
        for theorem in holdout_shares.THEOREMS:
            one = part[part["theorem"] == theorem]
            worst = one.loc[one["loss, %"].idxmax()]
            largest = f"{worst['loss, %']:+.1f} ± {worst['its s.e.']:.1f} ({worst['data']})"
            cells.append(f"{one['share'].iloc[0]:g}: {one['loss, %'].mean():+.1f}; {largest}")
        lines.append([f"{n:,}", part["data"].nunique(), *cells])
    how = (
        "judged on draws that chose neither share"
        if chosen is not None
        else "the best share chosen on the same draws"
    )
    shares, least = ", ".join(f"{one:g}" for one in holdout_shares.SHARES), int(losses["draws"].min())
    head = (
        f"Certified error at the default share over that at the best of the shares {shares}, in % ({how}, at least {least} "
        "draws each): the default share, the mean over the sets of images; the set where it is largest, with its standard "
        "error."
    )
    columns = ["labels", "sets", *(f"`{name}`" for name in holdout_shares.THEOREMS)]
    return f"{head}\n\n{trust.markdown(columns, lines)}"


def few_shot_table() -> str:
    """Saved few-shot errors of real images: what is reported usually, what is certified, what moments predict."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "few_shot.csv", comment="#")
    ways = {"all": "ten-way", "pairs": "two-way"}
    return trust.markdown(
        ["images", "ways", "shots", "episodes", "mean", "usual, upper end", "certified", "predicted"],
        [
            [
                row.data,
                ways[row.ways],
                row.shots,
                int(row.episodes),
                significant(row.error, 3),
                significant(row.usual_upper, 3),
                significant(row.limit, 3, up=True),
                significant(row.predicted, 3),
            ]
            for row in rows.itertuples()
        ],
    )


def few_shot_misses() -> str:
    """How often each limit fell below the truth in the saved worlds."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "few_shot_worlds.csv", comment="#")
    rows = rows[rows["runs"] > 1]
    return trust.markdown(
        ["world", "limit", "runs", "truth", "mean limit", "below the truth", "interval of the rate"],
        [
            [
                row.world,
                row.limit if row.limit == "usual interval" else f"`{row.limit}`",
                f"{row.runs:,}",
                significant(row.mean_truth, 3),
                significant(row.mean_limit, 3),
                f"{row.rate:.1%}",
                f"{row.lower:.1%} to {row.upper:.1%}",
            ]
            for row in rows.itertuples()
        ],
    )


def labels_needed_table(pairs: tuple[tuple[str, str], ...] | None = None) -> str:
    """Labels that tell which of two encoders is better, in the saved study; of all pairs, or of these."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "labels_needed.csv", comment="#")
    if pairs is not None:
        rows = rows[[pair in pairs for pair in zip(rows["a"], rows["b"], strict=True)]]
    return trust.markdown(
        [
            "better",
            "worse",
            "errors",
            "two separate limits",
            "paired test",
            "disagreements only",
            "duel, mean",
        ],
        [
            [
                row.a,
                row.b,
                f"{row.error_a:.1%}, {row.error_b:.1%}",
                *(f"{round(getattr(row, name)):,}" for name in ("separate", "paired", "disagreements")),
                f"{round(row.sequential):,}",
            ]
            for row in rows.itertuples()
        ],
    )


def sequential_sizes_table() -> str:
    """Exact mean labels over the fixed size: smallest and largest ratio of the saved study, with where it is."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "sequential_sizes.csv", comment="#")
    lines = []
    for what, part in rows.groupby("what", sort=False):
        least, most = part.loc[part["ratio"].idxmin()], part.loc[part["ratio"].idxmax()]
        of = part["of"].iloc[0]
        lines.append(
            [
                what,
                f"{of} from {part['value'].min():g} to {part['value'].max():g}",
                f"{part['fixed'].min():,} to {part['fixed'].max():,}",
                f"{least['ratio']:.2f} (at {least['value']:g})",
                f"{most['ratio']:.2f} (at {most['value']:g})",
            ]
        )
    return trust.markdown(["", "truth", "fixed size", "smallest ratio", "largest ratio"], lines)


def ranking_saves_table() -> str:
    """Labels of a ranking beside those of a test set for each encoder, in the saved study."""
    import pandas as pd

    rows = pd.read_csv(ROOT / "paper_figs" / "results" / "ranking_saves.csv", comment="#")
    return trust.markdown(
        ["encoders", "sought", "labels read, mean", "orders that ended", "pairs certified", "separate sets"],
        [
            [
                f"{row.size}, {row.encoders}",
                row.goal,
                f"{round(row.labels):,} of {row.union:,}",
                f"{row.ended:.0%}",
                f"{row.pairs:.1f} of {row.size * (row.size - 1) // 2}",
                f"{row.separate:,}",
            ]
            for row in rows.rename(columns={"count": "size"}).itertuples()
        ],
    )


def transfer_table() -> str:
    """`haochen_2021` on the encoders of the zoo: values beside a constant's, directions it sees, how it ranks them."""
    import pandas as pd

    results = ROOT / "paper_figs" / "results"
    zoo = pd.read_csv(results / "zoo.csv", comment="#")
    analysis = pd.read_csv(results / "zoo_analysis.csv", comment="#")
    tau = analysis[(analysis["measure"] == "haochen_2021") & (analysis["target"] == "probe_error")]
    lines = []
    for name, part in zoo.groupby("data"):
        values = part["bound.haochen_2021"]
        seen = -CLASSES * (part["bound.haochen_2021.alignment"] + part["bound.haochen_2021.similarity"])
        ranks = tau[tau["data"] == name].iloc[0]
        lines.append(
            [
                str(name),
                len(part),
                f"{values.min():.3f} to {values.max():.3f}",
                f"{(1 - 1 / CLASSES) ** 0.5:.3f}",
                f"{seen.min():.2f} to {seen.max():.2f} of {CLASSES}",
                f"{part['probe_error'].min():.1%} to {part['probe_error'].max():.1%}",
                f"{ranks['tau']:+.2f} ({ranks['tau_low']:+.2f} to {ranks['tau_high']:+.2f})",
            ]
        )
    titles = ["images", "encoders", "bound", "a constant", "$D$", "error of the probe", "Kendall's τ with it"]
    return trust.markdown(titles, lines)


TABLES: dict[str, Callable[[], str]] = {
    "real_images_table": real_images_table,
    "speed_table": speed_table,
    "error_bounds_table": error_bounds_table,
    "few_labels_table": few_labels_table,
    "held_out_shares_table": held_out_shares_table,
    "few_shot_table": few_shot_table,
    "few_shot_misses": few_shot_misses,
    "labels_needed_table": labels_needed_table,
    "labels_needed_in_short": lambda: labels_needed_table(FEW_PAIRS),
    "sequential_sizes_table": sequential_sizes_table,
    "ranking_saves_table": ranking_saves_table,
    "transfer_table": transfer_table,
    "zoo_in_short": zoo_words.in_short,
    "zoo_measures_table": zoo_words.measures_table,
    "zoo_terms_table": zoo_words.terms_table,
    "zoo_families_table": zoo_words.families_table,
    "zoo_other_data_table": zoo_words.other_data_table,
    "zoo_longer_table": zoo_words.longer_table,
    "claims_entropy_order": claims.entropy_order,
    "claims_better_estimators": claims.better_estimators,
    "claims_normality": claims.normality,
    "coverage_of_bounds": trust.coverage_of_bounds,
    "broken_assumptions": trust.broken_assumptions,
    "searched_worlds": trust.searched_worlds,
    "tests_of_assumptions": trust.tests_of_assumptions,
    "worlds_of_duels": trust.worlds_of_duels,
    "trust_in_short": trust.in_short,
    "fuzzed_reports": trust.fuzzed_reports,
    "mutated_proofs": trust.mutated_proofs,
    "mutated_numerics": trust.mutated_numerics,
    "killed_processes": trust.killed_processes,
    "trusted_base": trusted_base.trusted_base,
}
_MADE = re.compile(r"(<!-- made by (\w+) of paper_figs/pages\.py -->\n\n).*?(\n\n<!-- end -->)", flags=re.S)


def filled(text: str) -> str:
    """A page with its tables made anew."""
    return _MADE.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def pages() -> list[Path]:
    """The pages that hold a table, README among them."""
    places = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in places if _MADE.search(path.read_text("utf-8"))]


def main() -> None:
    """Write the figure, README's report and the tables of the pages."""
    figures = ROOT / "paper_figs" / "figures"
    figures.mkdir(exist_ok=True)
    save_figure(
        digits_comparison(bounds=DRAWN, options={"few_shot": {"shots": [1, 5, 20]}}).plot(),
        figures / "digits",
    )
    readme = ROOT / "README.md"
    report = printed_report()
    readme.write_text(
        re.sub(
            r">>> report\n.*?(?=>>> report\[)",
            lambda _: f">>> report\n{report}\n",
            readme.read_text("utf-8"),
            flags=re.S,
        ),
        "utf-8",
    )
    for page in pages():
        page.write_text(filled(page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
