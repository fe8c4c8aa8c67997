"""What the noisy fits of `rrm` cost against training each noisy head by Adam; prints JSON (not collected by pytest).

    python tests/benchmarks_certificates.py [--items 50000] [--dim 512] [--classes 10] [--epochs 1]

Adam (learning rate 1e-3, batches of 256, cross-entropy) runs for the given epochs and is extrapolated to 100, which
favours it: nothing is added for evaluation or early stopping. Both in one process with the same threads.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch

from bounds.assumptions.assumption import TITLES, Assumption
from bounds.evidence.evidence import Evidence
from bounds.evidence.noisy_fits import FITS, noisy_fits
from bounds.evidence.setting import Setting
from bounds.representations.table import Representations
from bounds.theorems import THEOREMS


def evidence(items: int, dim: int, classes: int) -> Evidence:
    rng = np.random.default_rng(0)
    labels = rng.integers(classes, size=items)
    z = (rng.normal(size=(classes, dim))[labels] * 0.3 + rng.normal(size=(items, dim))).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    assumptions = {name: Assumption(name, "holds", "synthetic") for name in TITLES}
    return Evidence(Setting(classes, 1.0, 2.0, assumptions), Representations((z,), labels))


def adam_seconds(data: Evidence, epochs: int) -> float:
    """One noisy head by Adam, seconds per epoch."""
    z, labels = torch.from_numpy(data.labeled.views[0]), torch.from_numpy(data.labeled.labels)
    head = torch.nn.Linear(z.shape[1], data.setting.num_classes)
    optimizer = torch.optim.Adam(head.parameters(), lr=1e-3)
    started = time.perf_counter()
    for _ in range(epochs):
        for rows in torch.randperm(len(z)).split(256):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(head(z[rows]), labels[rows]).backward()
            optimizer.step()
    return (time.perf_counter() - started) / epochs


def seconds(action) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("items", 50_000), ("dim", 512), ("classes", 10), ("epochs", 1), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()

    ours, factorisation, adam = [], [], []
    for _ in range(options.rounds):
        data = evidence(options.items, options.dim, options.classes)
        factorisation.append(seconds(lambda data=data: data.least_squares.reduced()))
        ours.append(seconds(lambda data=data: noisy_fits(data)))
        adam.append(adam_seconds(data, options.epochs))
    per_fit = (statistics.median(factorisation) + statistics.median(ours)) / FITS
    hundred_epochs = 100 * statistics.median(adam)
    costs = {}
    for name in (
        "pac_bayes",
        "pac_bayes_deterministic",
        "centred_head",
        "supervised_projected",
        "held_out",
        "rrm",
    ):
        costs[name] = seconds(lambda name=name: THEOREMS[name].evaluate(data, 0.05))
    print(
        json.dumps(
            {
                "items": options.items,
                "dim": options.dim,
                "classes": options.classes,
                "threads": torch.get_num_threads(),
                "factorisation_seconds": statistics.median(factorisation),
                "noisy_fits_seconds": statistics.median(ours),
                "fits": FITS,
                "seconds_per_noisy_fit_with_its_share_of_the_factorisation": per_fit,
                "adam_seconds_per_100_epochs": hundred_epochs,
                "adam_over_ours": hundred_epochs / per_fit,
                "theorem_seconds_after_the_factorisation": costs,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
