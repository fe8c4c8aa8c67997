"""Heads against scikit-learn: objectives, labels, and times as ratios; prints JSON (not collected by pytest).

    python tests/benchmarks_heads.py [--case logistic-small ...] [--out results.json]

Both sides get the same float32 rows in one process with the same threads, in turn, three times; times are the smallest.
Logistic regression of
scikit-learn runs at the loosest of its tolerances that comes within one part in a million of the lowest objective found by
either side (its default stops earlier), so that both times are for the same quality. Ratios are scikit-learn over this
package, of wall time and of processor time; the latter means something on a busy machine too. Memory is the growth of the
peak resident size over that before the fit, in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch

from bounds.heads import LeastSquares, head_kind
from bounds.heads.labeled_rows import LabeledRows
from bounds.heads.logistic import fit_logistic
from bounds.representations.table import Representations

LOGISTIC = {
    "logistic-small": (20_000, 512, 10, (1e-3, 1e-5)),
    "logistic-large": (50_000, 768, 100, (1e-4,)),
}
NEIGHBOURS = {"knn-small": (20_000, 512, 10, 20), "knn-large": (50_000, 768, 100, 20)}
MEMORY = {"logistic-memory": (50_000, 768, 1000, 1e-3)}
QUERIES = 5_000
ROUNDS = 3
TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7)


def cloud(items: int, dim: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows around class means, with a spectrum that falls like that of real representations."""
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, dim + 1) ** -0.6
    labels = rng.integers(classes, size=items)
    means = np.random.default_rng(99).normal(size=(classes, dim)) * spectrum * 0.7
    z = means[labels] + rng.normal(size=(items, dim)) * spectrum + 0.3 * spectrum
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32), labels


def timed(action):
    wall, cpu = time.perf_counter(), time.process_time()
    result = action()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def objective(weight, bias, z, labels, penalty) -> float:
    weight, bias = torch.as_tensor(weight).double(), torch.as_tensor(bias).double()
    total = 0.0
    for rows, own in zip(torch.from_numpy(z).split(4096), torch.from_numpy(labels).split(4096)):
        total += float(
            torch.nn.functional.cross_entropy(rows.double() @ weight.T + bias, own, reduction="sum")
        )
    return total / len(z) + penalty / 2 * float(weight.square().sum())


def alternately(ours, theirs) -> dict[str, object]:
    """Times of both in turn, and ratios of the smallest: what else the machine does only adds to a time."""
    own, their = zip(*((timed(ours)[1:], timed(theirs)[1:]) for _ in range(ROUNDS)), strict=True)
    (wall, cpu), (their_wall, their_cpu) = np.min(own, axis=0), np.min(their, axis=0)
    return {
        "rounds": ROUNDS, "wall_s": wall, "cpu_s": cpu, "their_wall_s": their_wall, "their_cpu_s": their_cpu,
        "wall_ratio": their_wall / wall, "cpu_ratio": their_cpu / cpu,
    }  # fmt: skip


def logistic(items: int, dim: int, classes: int, penalty: float) -> dict[str, object]:
    from sklearn.linear_model import LogisticRegression

    z, labels = cloud(items, dim, classes)
    rows = LabeledRows(Representations((z,), labels), classes)
    fit = fit_logistic(rows, penalty)
    own = objective(fit.weight, fit.bias, z, labels, penalty)
    tried: list[dict[str, float]] = []
    for tolerance in TOLERANCES:
        model = LogisticRegression(C=1 / (items * penalty), tol=tolerance, max_iter=5000).fit(z, labels)
        tried.append(
            {"tol": tolerance, "objective": objective(model.coef_, model.intercept_, z, labels, penalty)}
        )
        if tried[-1]["objective"] <= min(own, *(one["objective"] for one in tried)) * (1 + 1e-6):
            break
    best = min(own, *(one["objective"] for one in tried))
    return {
        "size": [items, dim, classes], "penalty": penalty, "passes": fit.passes, "their_passes": int(model.n_iter_[0]),
        "above_best": own / best - 1, "theirs_above_best": tried[-1]["objective"] / best - 1, "scikit_learn": tried,
        **alternately(lambda: fit_logistic(rows, penalty), lambda: model.fit(z, labels)),
    }  # fmt: skip


def neighbours(items: int, dim: int, classes: int, k: int) -> dict[str, object]:
    from sklearn.neighbors import KNeighborsClassifier

    z, labels = cloud(items, dim, classes)
    new, _ = cloud(QUERIES, dim, classes, 1)
    rows = LabeledRows(Representations((z,), labels), classes)
    queries = torch.from_numpy(new).double()
    model = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(z, labels)

    def ours() -> torch.Tensor:
        head = head_kind(("knn", k)).fit(rows)
        return torch.cat([head(part) for part in queries.split(2048)])

    scores, theirs = ours(), model.predict(new)
    exact = KNeighborsClassifier(
        k, metric="cosine", algorithm="brute", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(z.astype(np.float64), labels)
    few = slice(0, 1000)
    found = scores.argmax(1).numpy()
    return {
        "size": [items, dim, classes], "k": k, "queries": QUERIES,
        **alternately(ours, lambda: model.predict(new)),
        "labels_unlike_float32": int((found != theirs).sum()),
        "labels_unlike_float64": int((found[few] != exact.predict(new[few].astype(np.float64))).sum()),
    }  # fmt: skip


def memory(items: int, dim: int, classes: int, penalty: float) -> dict[str, object]:
    z, labels = cloud(items, dim, classes)
    rows = LabeledRows(Representations((z,), labels), classes)
    LeastSquares.empty(dim, 2).update(torch.zeros(1, dim), torch.zeros(1, dtype=torch.int64)).min_norm()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fit, wall, cpu = timed(lambda: fit_logistic(rows, penalty))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "size": [items, dim, classes], "penalty": penalty, "passes": fit.passes, "wall_s": wall, "cpu_s": cpu,
        "grown_mb": grown / 1024,
    }  # fmt: skip


def run(case: str) -> dict[str, object]:
    if case in LOGISTIC:
        *size, penalties = LOGISTIC[case]
        return {"runs": [logistic(*size, penalty) for penalty in penalties]}
    return {"runs": [neighbours(*NEIGHBOURS[case]) if case in NEIGHBOURS else memory(*MEMORY[case])]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    cases = [*LOGISTIC, *NEIGHBOURS, *MEMORY]
    parser.add_argument("--case", nargs="*", choices=cases, default=cases)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(given.threads)
    if given.alone:
        print(json.dumps(run(given.case[0])))
        return
    found: dict[str, object] = {}
    if given.out and given.out.exists():
        found = json.loads(given.out.read_text())
    import sklearn

    found["made_with"] = {
        "threads": given.threads, "processors": os.cpu_count(), "torch": torch.__version__, "numpy": np.__version__,
        "scikit_learn": sklearn.__version__, "machine": platform.processor() or platform.machine(),
    }  # fmt: skip
    for case in given.case:
        command = [sys.executable, __file__, "--alone", "--case", case, "--threads", str(given.threads)]
        environment = {**os.environ, "OMP_NUM_THREADS": str(given.threads)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        found[case] = {**json.loads(done.stdout), "load": os.getloadavg()[0]}
        print(json.dumps({case: found[case]}, indent=1), flush=True)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
