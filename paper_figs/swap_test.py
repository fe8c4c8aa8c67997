"""What the swap test says of pairs on real images, against how often a bound built on them then fails.

Class pairs, two augmentations of one image, and pairs that share one of three sub-clusters of their class (k-means on
the representations), drawn again and again: the digits through their VICReg encoder, and CIFAR-10, animal against
vehicle, by the embedded VICReg representations. `agreement` fails where it lies below the error of its own head on all
images that were not drawn.

    python paper_figs/swap_test.py [--quick] --out figures
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import style
import torch

import bounds
from bounds.assumptions.assumption import LEVEL
from bounds.data.views import Augmentation, Recipe
from bounds.examples.cifar10 import cifar10
from bounds.examples.digits import CHECKPOINTS, digits

KINDS = ("class pairs", "sub-cluster pairs", "augmentation pairs")
ANIMALS = (2, 3, 4, 5, 6, 7)
RECIPE = Recipe(area=(0.35, 1.0), flip=0.0, blur=0.0, solarize=0.0)  # of the digits encoders' training
DELTA = 0.1


def pairs_within(groups: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint pairs of rows of one group, in random order."""
    order = rng.permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    first, second, step = [], [], 0
    while step + 1 < len(order):
        if groups[order[step]] == groups[order[step + 1]]:
            first.append(order[step])
            second.append(order[step + 1])
            step += 2
        else:
            step += 1
    mixed = rng.permutation(len(first))
    return np.array(first)[mixed], np.array(second)[mixed]


def sub_clusters(z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A number for each row: its class and one of three clusters of it."""
    from sklearn.cluster import KMeans

    found = np.zeros(len(y), dtype=np.int64)
    for label in np.unique(y):
        own = y == label
        found[own] = 3 * label + KMeans(3, n_init=3, random_state=0).fit_predict(z[own])
    return found


@torch.inference_mode()
def table(quick: bool, seed: int) -> pd.DataFrame:
    """A row per data set, kind of pairs and draw."""
    draws = 3 if quick else 20
    rows: list[dict[str, Any]] = []
    split, network = digits(), bounds.load_encoder(CHECKPOINTS["VICReg"])
    images = np.concatenate([part[0] for part in (split.labeled, split.unlabeled, split.test)])
    y = np.concatenate([part[1] for part in (split.labeled, split.unlabeled, split.test)])
    batch = torch.from_numpy(images)[:, None]
    z = network(batch).numpy()
    augment = Augmentation(RECIPE, seed=seed)
    unit = batch.float() / 255
    views = [network(augment(unit, np.arange(len(unit)), view)).numpy() for view in (0, 1)]
    for draw in range(draws):
        for kind in KINDS:
            rows.append({"data": "digits", **_draw(z, y, kind, 300, 500, [seed, draw], views)})
    data = cifar10("VICReg")
    x = np.concatenate([data.labeled[0], data.test[0], *data.unlabeled[:2]])
    label = np.concatenate([data.labeled[1], data.test[1], data.unlabeled[2], data.unlabeled[2]])
    animal = np.isin(label, ANIMALS).astype(np.int64)
    for draw in range(draws):
        for kind in KINDS[:2]:
            rows.append({"data": "CIFAR-10", **_draw(x, animal, kind, 1000, 4000, [seed, draw], None)})
    return pd.DataFrame(rows)


def _draw(
    z: np.ndarray,
    y: np.ndarray,
    kind: str,
    n: int,
    pool: int,
    seed: list[int],
    views: list[np.ndarray] | None,
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    labeled, unlabeled, rest = order[:n], order[n : n + pool], order[n + pool :]
    if kind == "augmentation pairs" and views is not None:
        first, second, classes = views[0][unlabeled], views[1][unlabeled], y[unlabeled]
    else:
        groups = y[unlabeled] if kind == "class pairs" else sub_clusters(z[unlabeled], y[unlabeled])
        a, b = pairs_within(groups, rng)
        first, second, classes = z[unlabeled[a]], z[unlabeled[b]], y[unlabeled[a]]
    report = bounds.evaluate(
        None,
        (z[labeled], y[labeled]),
        (first, second, classes),
        test=(z[rest], y[rest]),
        pairs="class",
        fresh=True,
        class_prior=np.bincount(y) / len(y),
        head=("ridge", 1e-3),
        holdout=0.5,
        bounds=["agreement"],
        delta=DELTA,
        declared={"repeats": "keep"},
        progress=False,
    )
    bound = report["agreement"]
    test = report.assumptions["A1"].test
    assert test is not None
    measured = report.measured_for(bound)
    return {
        "pairs": kind,
        "m": len(classes),
        "p": test.p_value,
        "effect": test.effect,
        "refuted": test.p_value <= LEVEL,
        "agreement": bound.value,
        "measured": measured,
        "fails": bound.value < (measured or 0.0),
    }


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per data set and kind."""
    grouped = rows.groupby(["data", "pairs"], sort=False)
    found = grouped[["m", "effect", "refuted", "agreement", "measured", "fails"]].mean()
    found.insert(1, "median p", grouped["p"].median())
    found.insert(0, "draws", grouped.size())
    return found.reset_index()


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.PAGE, 2.4))
    left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
    short = summary(rows)
    names = [f"{row['pairs']}\n{row['data']}".replace(" ", "\n", 1) for _, row in short.iterrows()]
    places = np.arange(len(short))
    left.bar(
        places - 0.2, short["refuted"], 0.4, color=style.PALETTE[0], label="A1 refuted, $p \\leq 10^{-4}$"
    )
    left.bar(
        places + 0.2, short["fails"], 0.4, color=style.PALETTE[1], label="agreement below the measured error"
    )
    left.set_xticks(places, names, fontsize=6)
    left.set(ylabel="share of draws", ylim=(0, 1.02))
    left.axhline(DELTA, color="0.5", ls=":", lw=0.9, label=f"δ = {DELTA:g}")
    for color, (name, part) in zip(style.PALETTE, rows.groupby(["data", "pairs"], sort=False), strict=False):
        right.scatter(
            np.maximum(part["p"], 1e-40),
            part["agreement"] - part["measured"],
            s=6,
            color=color,
            label=", ".join(name),
        )
    right.axhline(0.0, color="0.5", lw=0.9)
    right.axvline(LEVEL, color="0.5", ls=":", lw=0.9)
    right.set(
        xscale="log", xlim=(1e-42, 30), xlabel="$p$ of the swap test", ylabel="agreement − measured error"
    )
    right.set_xticks([10.0**power for power in (-40, -30, -20, -10, 0)])
    right.legend(fontsize=5, loc="upper left", bbox_to_anchor=(0.34, 1.0), frameon=False)
    right.annotate(
        "refuted: $p \\leq 10^{-4}$ ", (LEVEL, right.get_ylim()[0]), ha="right", va="bottom", fontsize=5
    )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=3)
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    rows = table(options.quick, options.seed)
    style.publish(draw, rows, "swap_test", options, delta=DELTA)
    print(summary(rows).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
