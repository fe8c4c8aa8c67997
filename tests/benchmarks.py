"""Speed and memory as ratios, each against the plain computation it stands beside; prints, and writes JSON and a figure.

    python tests/benchmarks.py --out FOLDER            all, a few minutes
    python tests/benchmarks.py --only stream --rows 10000000
    python tests/benchmarks.py --only report --sizes 50000x2048x1000

Ratios are of CPU seconds on one thread, the two sides run in turn and the median taken, so that other load on the
machine strikes both alike; wall seconds stand beside them. Each benchmark runs in its own process, whose peak memory is
the one reported.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

Run = Callable[[], object]


def peak() -> float:
    """Largest resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_turn(runs: dict[str, Run], rounds: int) -> dict[str, Any]:
    """CPU and wall seconds of each, and the median ratio of CPU seconds to the first."""
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    wall: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begun, clock = time.process_time(), time.perf_counter()
            run()
            cpu[name].append(time.process_time() - begun)
            wall[name].append(time.perf_counter() - clock)
    first = next(iter(runs))
    return {
        "cpu_seconds": {name: statistics.median(times) for name, times in cpu.items()},
        "wall_seconds": {name: statistics.median(times) for name, times in wall.items()},
        "ratio": {
            name: statistics.median(a / b for a, b in zip(times, cpu[first], strict=True))
            for name, times in cpu.items()
            if name != first
        },
    }


def extraction(options: argparse.Namespace) -> dict[str, Any]:
    """Throughput of `extract` as a share of the bare forward pass: images in memory, and decoded from parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    from bounds.encoders.architectures import resnet18
    from bounds.representations.extraction import extract

    count, batch = 512, 64
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(count, 3, 32, 32), dtype=np.uint8)
    network = resnet18(stem="cifar").eval()

    def encode(x: torch.Tensor) -> torch.Tensor:
        return network(x.float().div(255) if x.dtype == torch.uint8 else x)

    @torch.inference_mode()
    def bare() -> None:
        for start in range(0, count, batch):
            encode(torch.from_numpy(images[start : start + batch]))

    def coded(image: np.ndarray) -> dict[str, Any]:
        file = io.BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(file, "PNG")
        return {"bytes": file.getvalue(), "path": None}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.parquet"
        pq.write_table(pa.table({"img": [coded(one) for one in images], "label": [0] * count}), path)
        labels = np.zeros(count, np.int64)
        settings = {"role": "labeled", "batch_size": batch, "progress": False}
        found = in_turn(
            {
                "bare": bare,
                "memory": lambda: extract(encode, (images, labels), **settings),
                "parquet": lambda: extract(encode, path, **settings),
            },
            options.rounds,
        )
    found["share_of_bare_throughput"] = {name: 1 / ratio for name, ratio in found["ratio"].items()}
    return found


def least_squares(options: argparse.Namespace) -> dict[str, Any]:
    """The least-squares summary against one QR of the whole matrix [1 Z Y], for several chunks."""
    from bounds.heads import LeastSquares

    result = {}
    for rows, dim, classes in ((30_000, 512, 10), (20_000, 1024, 100), (12_000, 2048, 10)):
        generator = torch.Generator().manual_seed(0)
        z = torch.randn(rows, dim, generator=generator, dtype=torch.float64)
        y = torch.randint(classes, (rows,), generator=generator)
        whole = torch.cat([torch.ones(rows, 1), z, torch.nn.functional.one_hot(y, classes)], 1)

        def summary(chunk: int, z: Any = z, y: Any = y, dim: int = dim, classes: int = classes) -> None:
            squares = LeastSquares.empty(dim, classes)
            for start in range(0, len(z), chunk):
                squares = squares.update(z[start : start + chunk], y[start : start + chunk])
            squares.reduced()

        result[f"{rows}x{dim}x{classes}"] = in_turn(
            {"bare QR": lambda whole=whole: torch.linalg.qr(whole, mode="r")}
            | {f"chunks of {c}": lambda c=c, summary=summary: summary(c) for c in (256, 2048, 8192)},
            options.rounds,
        )
    return result


def signs(options: argparse.Namespace) -> dict[str, Any]:
    """Sign draws against the product of the same operation count."""
    from tests.benchmarks_complexity import measure

    return measure(50_000, 512)


def all_pairs(options: argparse.Namespace) -> dict[str, Any]:
    """All-pairs contrastive losses against the similarities of all ordered pairs, computed and thrown away."""
    from bounds.evidence.contrastive import all_pairs as losses
    from bounds.representations.table import Representations
    from tests.benchmarks_contrastive import bare

    generator = torch.Generator().manual_seed(0)
    first = torch.nn.functional.normalize(torch.randn(16_384, 512, generator=generator))
    second = torch.nn.functional.normalize(first + 0.03 * torch.randn(first.shape, generator=generator))
    table = Representations((first, second))
    return in_turn(
        {
            "bare GEMM": lambda: bare(first, 1024),
            "hinge": lambda: losses(table, logistic=False, radius=1.001),
            "logistic": lambda: losses(table, hinge=False, radius=1.001),
            "both": lambda: losses(table, radius=1.001),
        },
        options.rounds,
    )


def stream(options: argparse.Namespace) -> dict[str, Any]:
    """Summaries of simulated rows that are never kept: seconds and memory at growing length."""
    from bounds.heads import LeastSquares
    from bounds.summaries import ClassMoments, PairMoments

    dim, classes, chunk = 512, 10, 2048
    generator = torch.Generator().manual_seed(0)
    before, found = peak(), []
    for rows in (options.rows // 4, options.rows // 2, options.rows):
        squares, moments, pairs = (
            LeastSquares.empty(dim, classes),
            ClassMoments.empty(dim, classes),
            PairMoments.empty(dim),
        )
        begun = time.process_time()
        for start in range(0, rows, chunk):
            size = min(chunk, rows - start)
            z = torch.randn(size, dim, generator=generator, dtype=torch.float64)
            y = torch.randint(classes, (size,), generator=generator)
            squares, moments, pairs = squares.update(z, y), moments.update(z, y), pairs.update(z, z.flip(0))
        squares.reduced()
        seconds = time.process_time() - begun
        found.append({"rows": rows, "cpu_seconds": seconds, "peak_mb": peak()})
    per_row = [one["cpu_seconds"] / one["rows"] for one in found]
    return {
        "dim": dim,
        "lengths": found,
        "microseconds_per_row": [1e6 * one for one in per_row],
        "linearity": per_row[-1] / per_row[0],
        "hours_for_10_million": per_row[-1] * 1e7 / 3600,
        "memory_before_mb": before,
    }


def world(count: int, dim: int, classes: int) -> tuple[Any, Any, Any]:
    """Labeled (x, y), pairs (x1, x2, y) and test (x, y): Gaussian classes in float32."""
    rng = np.random.default_rng(0)
    means = rng.standard_normal((classes, dim), dtype=np.float32)

    def draw(y: np.ndarray) -> np.ndarray:
        x = means[y]
        for part in np.array_split(x, 50):  # so that making the data needs no more memory than the data
            part += 2 * rng.standard_normal(part.shape, dtype=np.float32)
        return x

    y, yp, yt = (rng.integers(classes, size=size) for size in (count, count, count // 5))
    return (draw(y), y), (draw(yp), draw(yp), yp), (draw(yt), yt)


SCALES = (1.0, 2.0, 4.0)  # of the contrastive losses, on both sides
BAND = 2000  # rows of the similarities timed, and multiplied, where the script's three m x m arrays exceed the memory


def obvious(labeled: Any, pairs: Any, test: Any, classes: int, rows: int) -> dict[str, float]:
    """The script one would write: whole arrays in float64, lstsq, scikit-learn, all similarities.

    Of these `rows` rows; `similarity_seconds` is what they took.
    """
    from sklearn.linear_model import Ridge

    def unit(x: np.ndarray) -> np.ndarray:
        x = x.astype(np.float64)
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    def project(u: np.ndarray) -> np.ndarray:
        ordered = -np.sort(-u, axis=1)
        excess = np.cumsum(ordered, axis=1) - 1
        size = (ordered - excess / np.arange(1, classes + 1) > 0).sum(1)
        return np.maximum(u - (excess[np.arange(len(u)), size - 1] / size)[:, None], 0)

    def losses(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float, float]:
        return (
            np.linalg.norm(scores - targets, axis=1).mean(),
            np.linalg.norm(project(scores) - targets, axis=1).mean(),
            (scores.argmax(1) != targets.argmax(1)).mean(),
        )

    x, a, b, t = unit(labeled[0]), unit(pairs[0]), unit(pairs[1]), unit(test[0])
    one_hot, pair_hot, test_hot = (np.eye(classes)[y] for y in (labeled[1], pairs[2], test[1]))
    found = {}
    head = np.linalg.lstsq(x, one_hot, rcond=None)[0]
    reference = np.linalg.lstsq(a, pair_hot, rcond=None)[0]
    found["c"] = np.linalg.norm(head - reference, 2)
    found["W"] = np.linalg.norm(head, 2)
    found["invariance"] = np.linalg.norm(a - b, axis=1).mean()
    found["PY"] = np.linalg.norm(one_hot - x @ head)
    found["PY_bar"] = np.linalg.norm(pair_hot - a @ reference)
    for name, z, w, targets in (
        ("S", x, head, one_hot),
        ("a", a, reference, pair_hot),
        ("b", b, reference, pair_hot),
    ):
        found[f"loss_{name}"], found[f"projected_{name}"], found[f"error_{name}"] = losses(z @ w, targets)
    found["test_loss"], _, found["test_error"] = losses(t @ head, test_hot)
    unit_penalty = x.var(0).mean()
    for j, power in enumerate(range(-5, 3)):
        ridge = Ridge(alpha=len(x) * unit_penalty * 10.0**power).fit(x, one_hot)
        found[f"ridge_{j}"], _, found[f"ridge_error_{j}"] = losses(ridge.predict(x), one_hot)
        through = 0.5 * ((a - b) @ ridge.coef_.T) ** 2
        found[f"half_{j}"], found[f"half_variance_{j}"] = through.sum(1).mean(), through.sum(1).var(ddof=1)
        found[f"ridge_norm_{j}"] = np.linalg.norm(ridge.coef_, 2)
    means = np.stack([x[labeled[1] == k].mean(0) for k in range(classes)])
    found["mean_classifier"] = ((t @ means.T).argmax(1) != test[1]).mean()
    begun = time.process_time()
    found |= strangers(a, b, rows)
    found["similarity_seconds"] = time.process_time() - begun
    return found


def strangers(a: np.ndarray, b: np.ndarray, rows: int) -> dict[str, float]:
    """Its end: the m x m similarities of two views, or so many rows of them."""
    margins = (a[:rows] * b[:rows]).sum(1)[:, None] - a[:rows] @ a.T
    np.fill_diagonal(margins, np.inf)
    count, found = rows * (len(a) - 1), {}
    for scale in SCALES:
        found[f"hinge_{scale}"] = np.maximum(0, 1 - scale * scale * margins).sum() / count
        found[f"logistic_{scale}"] = np.log1p(np.exp(-scale * scale * margins)).sum() / count / np.log(2)
    return found


SAME = (
    *("vicreg", "vicreg_certified", "vicreg_sharp", "vicreg_direct", "vicreg_second_moment"),
    *("vicreg_second_moment_ridge", "supervised", "simclr", "simclr_logistic", "test_set"),
)


def one_report(options: argparse.Namespace) -> dict[str, Any]:
    """One side of the whole report at one size, in a process of its own."""
    import bounds

    count, dim, classes = (int(part) for part in options.sizes[0].split("x"))
    labeled, pairs, test = world(count, dim, classes)
    torch.set_num_threads(1)
    bounds.evaluate(
        None,
        *[tuple(v[:200] for v in part) for part in (labeled, pairs)],
        num_classes=classes,
        progress=False,
    )
    before, begun = peak(), time.process_time()
    if options.side == "script":
        fits = 3 * 8 * count**2 < 0.6 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        rows = count if fits else min(count, BAND)
        found = obvious(labeled, pairs, test, classes, rows)
        rest = (count / rows - 1) * found["similarity_seconds"]
        return {
            "cpu_seconds": time.process_time() - begun + rest,
            "added_memory_mb": peak() - before if fits else 3 * 8 * count**2 / 2**20,
            "rows_of_similarities_done": rows,
            "PY_S": float(found["PY"]),
        }
    report = bounds.evaluate(
        None, labeled, pairs, test=test, pairs="class", num_classes=classes, class_prior="balanced",
        labeled_is_fresh=True, unlabeled_is_fresh=True, progress=False,
        bounds=SAME if options.side == "same" else None, options={"contrastive_scales": list(SCALES)},
    )  # fmt: skip
    return {
        "cpu_seconds": time.process_time() - begun,
        "added_memory_mb": peak() - before,
        "PY_S": report.quantities["PY_S"],
    }


def report(options: argparse.Namespace) -> dict[str, Any]:
    """The whole report against the obvious script, at growing sizes n x d x K with m = n pairs."""
    result = {}
    for size in options.sizes:
        sides = {
            side: child("one_report", options, side=side, sizes=[size]) for side in ("script", "same", "all")
        }
        script = sides["script"]
        assert abs(script["PY_S"] / sides["same"]["PY_S"] - 1) < 1e-6, "both compute the same"
        sides["speedup"] = {s: script["cpu_seconds"] / sides[s]["cpu_seconds"] for s in ("same", "all")}
        sides["memory_share"] = {
            s: sides[s]["added_memory_mb"] / script["added_memory_mb"] for s in ("same", "all")
        }
        result[size] = sides
    return result


def comparison(options: argparse.Namespace) -> dict[str, Any]:
    """Every bound on 50,000 labels, 50,000 pairs and 10,000 test items, d = 512, K = 10, on all cores: wall seconds."""
    import bounds

    torch.set_num_threads(os.cpu_count() or 1)
    size = {"items": 50_000, "dim": 512, "classes": 10}
    labeled, pairs, test = world(*size.values())
    begun = time.perf_counter()
    report = bounds.evaluate(
        None, labeled, pairs, test=test, pairs="class", num_classes=10, class_prior="balanced",
        labeled_is_fresh=True, unlabeled_is_fresh=True, progress=False,
    )  # fmt: skip
    return {
        **size,
        "wall_seconds": time.perf_counter() - begun,
        "threads": torch.get_num_threads(),
        "bounds": len(list(report)),
    }


def one_process(rank: int, processes: int, folder: str, size: str) -> None:
    """One of several processes of a report; writes its CPU seconds."""
    import torch.distributed as dist

    import bounds

    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet-{processes}", rank=rank, world_size=processes
    )
    count, dim, classes = (int(part) for part in size.split("x"))
    labeled, pairs, test = world(count, dim, classes)

    def evaluate(rows: int) -> float:
        parts = [tuple(v[:rows] for v in part) for part in (labeled, pairs, test)]
        begun = time.process_time()
        bounds.evaluate(
            None, *parts[:2], test=parts[2], num_classes=classes, class_prior="balanced", pairs="class",
            progress=False, distributed=True, bounds=SAME,
        )  # fmt: skip
        return time.process_time() - begun

    evaluate(200)  # imports
    Path(folder, f"{processes}-{rank}").write_text(str(min(evaluate(count) for _ in range(2))))
    dist.destroy_process_group()


def processes(options: argparse.Namespace) -> dict[str, Any]:
    """One process on one thread against two: CPU seconds of the busier one, as on a machine with free cores."""
    size = "50000x512x10"
    with tempfile.TemporaryDirectory() as folder:
        for count in (1, 2):
            torch.multiprocessing.spawn(one_process, (count, folder, size), nprocs=count)
        alone = float(Path(folder, "1-0").read_text())
        shared = [float(Path(folder, f"2-{rank}").read_text()) for rank in (0, 1)]
    return {"size": size, "one": alone, "two": shared, "speedup": alone / max(shared)}


def one_few_shot(options: argparse.Namespace) -> dict[str, Any]:
    """One case of few-shot limits, in a process of its own."""
    from tests.benchmarks_few_shot import measure

    return measure(options.side)


def few_shot(options: argparse.Namespace) -> dict[str, Any]:
    """Few-shot limits and a head that picks, on one thread, against the seconds and the memory they may take."""
    from tests.benchmarks_few_shot import CASES

    return {case: child("one_few_shot", options, side=case) for case in CASES}


# Those that start processes of their own.
PARENTS = ("report", "few_shot")
BENCHMARKS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    one.__name__: one
    for one in (
        *(extraction, least_squares, signs, all_pairs, stream, processes, comparison),
        *(report, one_report, few_shot, one_few_shot),
    )
}


def child(name: str, options: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    """A benchmark in a process of its own, on one thread."""
    settings = vars(options) | changes
    command = [
        sys.executable,
        __file__,
        "--child",
        name,
        "--rounds",
        settings["rounds"],
        "--rows",
        settings["rows"],
    ]
    command += ["--side", settings["side"], "--sizes", *settings["sizes"]]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
    }
    done = subprocess.run(
        [str(part) for part in command], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def provenance() -> dict[str, Any]:
    """Commit, date, machine and versions of one measurement."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    return {
        "commit": subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip(),
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }


def figure(found: dict[str, Any], path: Path) -> None:
    """CPU seconds and memory of the report and the script at each size."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    drawn, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained", sharex=True)
    names = {"script": "numpy script", "same": "report, same bounds", "all": "report, every bound"}
    for axis, key, label in zip(
        axes,
        ("cpu_seconds", "added_memory_mb"),
        ("CPU seconds, one thread", "memory beyond the data (MB)"),
        strict=True,
    ):
        for side, name in names.items():
            axis.plot(list(found), [one[side][key] for one in found.values()], "o", label=name)
        axis.set(yscale="log", xlabel="n × d × K, m = n pairs", ylabel=label)
        axis.margins(x=0.2)
    for i, (size, one) in enumerate(found.items()):
        if one["script"]["rows_of_similarities_done"] < int(size.split("x")[0]):
            for axis, key, word in (
                (axes[0], "cpu_seconds", "in part "),
                (axes[1], "added_memory_mb", "computed "),
            ):
                axis.annotate(word, (i, one["script"][key]), ha="right", va="center")
    axes[0].legend(frameon=False)
    drawn.savefig(path)
    plt.close(drawn)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks-out"))
    parser.add_argument(
        "--only",
        nargs="*",
        choices=[name for name in BENCHMARKS if not name.startswith("one_")],
        help="none: draw the figure again",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--rows", type=int, default=200_000, help="of the stream; 10 million for the whole claim"
    )
    parser.add_argument("--sizes", nargs="*", default=["2000x256x50", "4000x512x100", "8000x1024x200"])
    parser.add_argument("--side", default="same", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        torch.set_num_threads(1)
        result = BENCHMARKS[options.child](options)
        print(json.dumps(result | {"peak_mb": peak()}))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "benchmarks.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    chosen = (
        [name for name in BENCHMARKS if not name.startswith("one_")] if options.only is None else options.only
    )
    for name in chosen:
        found[name] = BENCHMARKS[name](options) if name in PARENTS else child(name, options)
        found[name]["provenance"] = provenance()
        print(name, json.dumps(found[name], indent=1), flush=True)
        path.write_text(json.dumps(found, indent=1))
    if "report" in found:
        figure(
            {size: one for size, one in found["report"].items() if size != "provenance"},
            options.out / "scaling.png",
        )


if __name__ == "__main__":
    main()
