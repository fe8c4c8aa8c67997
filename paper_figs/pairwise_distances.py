"""Distances between raw images of seven data sets: are Gaussians around the samples disjoint.

Left and middle: distribution of |x_i - x_j| / sqrt(d), the root mean square difference per pixel value, over
all pairs and to the nearest neighbour. Right: share of noisy images that lie nearer to their image's nearest
neighbour than to their own image, under isotropic Gaussian noise per pixel. Pixels in [0, 1] at the stored
resolution, nothing resized. Data sets that are not in --data are left out; without any, the digits of
scikit-learn stand in.

    python paper_figs/pairwise_distances.py --data FOLDER --out figures [--quick]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style
import torch
from torch import Tensor

from bounds.examples.digits import digits
from bounds.information import PairwiseDistances, pairwise_distances
from bounds.representations.inputs import open_source

DATA_SETS = {
    "MNIST": "mnist/test.parquet",
    "Fashion-MNIST": "fashion-mnist/test.parquet",
    "CIFAR-10": "cifar10/test-*.parquet",
    "CIFAR-100": "cifar100/test.parquet",
    "Flowers-102": "flowers102/test.parquet",
    "Food-101 (10 classes)": "food101-10/test.parquet",
    "Clothing": "clothing/test.parquet",
}
STAND_IN = "digits (scikit-learn)"
NOISE = np.geomspace(0.01, 5.0, 80)


def present(data: Path) -> dict[str, str]:
    """The data sets that are there; scikit-learn's digits stand in for them where none is."""
    found = {name: pattern for name, pattern in DATA_SETS.items() if list(data.glob(pattern))}
    return found or {STAND_IN: ""}


def pixels(name: str, path: str, limit: int | None) -> Tensor:
    """Images as rows of floats in [0, 1], (N, C * H * W)."""
    if name == STAND_IN:
        split = digits()
        parts = (split.pretrain, split.labeled, split.unlabeled, split.test)
        return (
            torch.from_numpy(np.concatenate([images for images, _ in parts])[:limit]).float().flatten(1) / 255
        )
    source = open_source(path, name="data")
    views = [batch.views[0] for batch in source.batches(512, stop=limit)]
    images = torch.cat(views)
    return (images.float() / 255 if images.dtype == torch.uint8 else images.float()).flatten(1)


def histogram_rows(name: str, found: PairwiseDistances) -> pd.DataFrame:
    """Densities of both distributions, per pixel value; that of the neighbours smoothed over five bins."""
    scale = np.sqrt(found.d)
    edges = found.edges / scale
    near = np.histogram(found.nearest / scale, bins=edges)[0].astype(float)
    width = np.diff(edges)
    # Far fewer neighbours than pairs: a short window takes the counting noise out of the curve.
    near = np.convolve(near, np.array([1, 2, 3, 2, 1]) / 9, mode="same")
    return pd.DataFrame(
        {
            "data": name,
            "distance": 0.5 * (edges[1:] + edges[:-1]),
            "pairs": found.counts / found.counts.sum() / width,
            "nearest": near / near.sum() / width,
        }
    )


def summary_row(name: str, found: PairwiseDistances) -> dict[str, Any]:
    """Smallest and typical distances, and the noise up to which Gaussians do not overlap."""
    confused = np.array([found.overlap(s).confused for s in NOISE])
    touching = found.smallest / (2 * np.sqrt(found.d))
    below = NOISE[confused <= 1e-3]
    return {
        "data": name,
        "images": found.n,
        "dimension": found.d,
        "mean_distance": found.mean,
        "smallest_distance": found.smallest,
        "duplicates": int((found.nearest == 0).sum()),
        "median_nearest": float(np.median(found.nearest)),
        "noise_shells_touch": touching,
        "noise_median_shells_touch": float(np.median(found.nearest)) / (2 * np.sqrt(found.d)),
        "noise_confused_1e-3": float(below[-1]) if len(below) else 0.0,
    }


def draw(histograms: pd.DataFrame, overlaps: pd.DataFrame) -> Any:
    """The figure, from the two tables alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.PAGE, 2.5))
    pairs, nearest, confused = figure.subplots(1, 3)
    for color, name in zip(style.PALETTE, histograms["data"].unique(), strict=False):
        part = histograms[histograms["data"] == name]
        pairs.plot(part["distance"], part["pairs"], color=color, label=name)
        nearest.plot(part["distance"], part["nearest"], color=color)
        part = overlaps[overlaps["data"] == name]
        confused.plot(part["noise"], part["confused"], color=color)
    for axes, title in ((pairs, "all pairs"), (nearest, "nearest neighbours")):
        axes.set(xlabel=r"$\|x_i - x_j\| / \sqrt{d}$", xlim=(0, 0.75), ylim=(0, None), title=title)
    pairs.set_ylabel("density")
    confused.set(xscale="log", yscale="log", ylim=(1e-6, 0.6), title="noise nearer to another image")
    confused.set(xlabel="noise per pixel (std.)", ylabel="share of draws")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def main(argv: list[str] | None = None) -> None:
    options = style.parser(__doc__).parse_args(argv)
    limit = 500 if options.quick else None
    histograms, overlaps, summaries = [], [], []
    for name, pattern in present(options.data).items():
        found = pairwise_distances(pixels(name, str(options.data / pattern), limit), bins=150)
        histograms.append(histogram_rows(name, found))
        summaries.append(summary_row(name, found))
        for noise in NOISE:
            overlap = found.overlap(float(noise))
            overlaps.append(
                {"data": name, "noise": noise, "confused": overlap.confused, "touching": overlap.touching}
            )
        print(
            " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in summaries[-1].items())
        )
    origin = style.provenance(**vars(options))
    tables = {
        "histogram": pd.concat(histograms),
        "overlap": pd.DataFrame(overlaps),
        "summary": pd.DataFrame(summaries),
    }
    for name, table in tables.items():
        style.write_csv(table, f"pairwise_distances_{name}", options.out, origin)
    with style.paper_style():
        style.save(draw(tables["histogram"], tables["overlap"]), "pairwise_distances", options.out)


if __name__ == "__main__":
    main()
