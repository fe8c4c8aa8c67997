"""How many labels tell which of two encoders is better: separate limits, the paired test, disagreements alone, a duel.

CIFAR-10 through encoders of the zoo (trained without labels at 16 pixels) and an ImageNet encoder at 64 pixels; ridge heads
on 5,000 labels. The 10,000 test images are the population: a pair's rates of "only a is right", "only b is right" and
"they differ" on them give, at δ = 0.05 with δ/2 for each direction and power 0.8, the smallest fixed sizes, and the mean
number of labels until a duel decides. Pairs whose errors differ by less than a point are left out. The quick form takes
digits, with heads on few labels.

    python paper_figs/labels_needed.py [--quick] [--again] [--cache FOLDER] --out figures

The full form reads results/labels_needed.csv where it is, unless `--again` is given.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style
import torch
from scipy.stats import beta, binom
from sequential_sizes import mean_signs

import bounds
from bounds.heads import head_kind
from bounds.heads.labeled_rows import LabeledRows
from bounds.representations.table import Representations
from bounds.summaries.decision import decide

DELTA, POWER, RUNS = 0.05, 0.8, 4000
LEAST = {"quick": 0.04, "full": 0.01}  # difference of errors
HERE = Path(__file__).parent
SAVED = HERE / "results" / "labels_needed.csv"
ENCODERS = ("vicreg-base", "simclr-base", "barlow_twins-base", "byol-base", "simclr-short")
TITLES = {"vicreg": "VICReg", "simclr": "SimCLR", "barlow_twins": "Barlow Twins", "byol": "BYOL",
          "simclr-short": "SimCLR, short"}  # fmt: skip
METHODS = {
    "separate": "two separate limits",
    "paired": "paired test, all items",
    "disagreements": "paired test, disagreements only",
    "sequential": "duel, mean",
}
Columns = dict[str, np.ndarray]


def cifar10(data: Path, cache: Path) -> tuple[Columns, np.ndarray]:
    """Classes of the test images by each encoder's ridge head, and the true ones; kept in `cache`."""
    kept = cache / "labels_needed.npz"
    if kept.exists():
        with np.load(kept) as saved:
            columns = {name: saved[name] for name in saved.files}
        return columns, columns.pop("truth")
    from imagenet_encoder import load_efficientnet_lite0
    from zoo_images import cifar10_rows, saved_split

    from bounds.representations.inputs import open_source

    small, found = saved_split(data, "cifar10", cache), {}
    for name in ENCODERS:
        encoder = bounds.load_encoder(HERE / "zoo" / f"cifar10-{name}.safetensors", device="cpu")
        z = [_encoded(encoder, part[0]) for part in (small.labeled, small.test)]
        found[TITLES[name.removesuffix("-base")]] = _ridge(z[0], small.labeled[1], z[1])
    whole = []  # the same images, as they are
    for file in ("train-00000-*", "test-*"):
        path = next((data / "cifar10").glob(f"{file}.parquet"))
        whole.append(torch.cat([batch.views[0] for batch in open_source(str(path), name="x").batches(1000)]))
    *_, labeled, test = cifar10_rows(*map(len, whole))
    imagenet = load_efficientnet_lite0(64)
    z = [_encoded(imagenet, x[rows]) for x, rows in zip(whole, (labeled, test), strict=True)]
    found["ImageNet"] = _ridge(z[0], small.labeled[1], z[1])
    truth = small.test[1].numpy()
    np.savez(kept, truth=truth, **found)
    return found, truth


def digits(labels: int) -> tuple[Columns, np.ndarray]:
    """Digits through the encoders of the package and as pixels, heads on so few labels."""
    from bounds.examples.digits import CHECKPOINTS
    from bounds.examples.digits import digits as split

    parts = [torch.from_numpy(part[0])[:, None] for part in (split().labeled, split().test)]
    truth = torch.from_numpy(split().labeled[1])[:labels]
    encoders = {name: bounds.load_encoder(path, device="cpu") for name, path in CHECKPOINTS.items()}
    found = {}
    for name, encoder in {**encoders, "pixels": lambda x: x.flatten(1)}.items():
        z = [_encoded(encoder, part) for part in (parts[0][:labels], parts[1])]
        found[name] = _ridge(z[0], truth, z[1])
    return found, split().test[1]


def _encoded(encoder: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        z = torch.cat([encoder(part).float() for part in images.split(250)]).double()
    return z / torch.linalg.vector_norm(z, dim=1, keepdim=True)


def _ridge(z: torch.Tensor, labels: torch.Tensor, test: torch.Tensor) -> np.ndarray:
    rows = LabeledRows(Representations((z.numpy(),), labels.numpy()), 10)
    return np.asarray(decide(head_kind(("ridge", 1e-4)).fit(rows)(test)))


def rates(a: np.ndarray, b: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Of a pair, the better one first."""
    right_a, right_b = a == truth, b == truth
    return {
        "error_a": 1 - right_a.mean(),
        "error_b": 1 - right_b.mean(),
        "plus": (right_a & ~right_b).mean(),
        "minus": (right_b & ~right_a).mean(),
        "differ": (a != b).mean(),
    }


def sizes(one: dict[str, float], seed: int) -> dict[str, float]:
    """Labels needed by each method.

    A label on a disagreement is a sign unless neither is right; by Wald's identity the mean number of labels of a duel is
    the mean number of signs by the share of signs.
    """
    signs = one["plus"] + one["minus"]
    q, share = one["plus"] / signs, signs / one["differ"]
    mean, right = mean_signs(q, DELTA)
    return {
        "q": q,
        "separate": first(lambda n: _separate_power(n, one, seed)),
        "paired": first(lambda n: sign_power(n, signs, q)),
        "disagreements": first(lambda n: sign_power(n, share, q)),
        "sequential": mean / share,
        "right": right,
    }


def sign_power(labels: int, share: float, q: float) -> float:
    """Power of the one-sided sign test at δ/2 when each label is a sign with probability `share`."""
    n = np.arange(binom.ppf(1e-9, labels, share), binom.isf(1e-9, labels, share) + 1)
    needed = binom.isf(DELTA / 2, n, 0.5) + 1
    return float(binom.pmf(n, labels, share) @ binom.sf(needed - 1, n, q))


def _separate_power(labels: int, one: dict[str, float], seed: int) -> float:
    """How often Clopper-Pearson limits of both errors, at δ/2 each, on the same labels lie apart: by simulation."""
    rng = np.random.default_rng(seed)
    both = one["error_a"] - one["minus"]
    plus, minus, wrong, _ = rng.multinomial(
        labels, [one["plus"], one["minus"], both, 1 - one["plus"] - one["minus"] - both], RUNS
    ).T
    upper = beta.ppf(1 - DELTA / 4, minus + wrong + 1, labels - minus - wrong)
    lower = beta.ppf(DELTA / 4, plus + wrong, labels - plus - wrong + 1)
    return float((upper < lower).mean())


def first(power: Callable[[int], float]) -> int:
    """The size from which the power, but for the jags of exact tests, is enough; to half a per cent."""
    high = 8
    while power(high) < POWER:
        high *= 2
    low = high // 2
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def table(found: Columns, truth: np.ndarray, least: float, seed: int) -> pd.DataFrame:
    """A row a pair whose errors differ by so much, by that difference."""
    rows = []
    for pair in combinations(found, 2):
        a, b = sorted(pair, key=lambda name: float((found[name] != truth).mean()))
        made = rates(found[a], found[b], truth)
        difference = made["error_b"] - made["error_a"]
        if difference >= least:
            rows.append({"a": a, "b": b, "difference": difference, **made, **sizes(made, seed)})
    frame = pd.DataFrame(rows)
    return frame.sort_values("difference").reset_index(drop=True)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.PAGE * 0.62, 3.0))
    axes = figure.subplots()
    for (name, label), color, marker in zip(METHODS.items(), style.PALETTE, "so^D", strict=False):
        axes.plot(100 * rows["difference"], rows[name], marker, ms=4, color=color, label=label)
    axes.set(xscale="log", yscale="log", xlabel="difference of the errors, points", ylabel="labels needed")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument("--cache", type=Path, default=HERE / "cache" / "zoo", help="of the decoded images")
    parser.add_argument("--again", action="store_true", help="from the images, though a table is saved")
    options = parser.parse_args(argv)
    if options.quick or options.again or not SAVED.exists():
        form = "quick" if options.quick else "full"
        found, truth = digits(40) if options.quick else cifar10(options.data, options.cache)
        rows = table(found, truth, LEAST[form], options.seed)
    else:
        rows = pd.read_csv(SAVED, comment="#")
    style.publish(draw, rows, "labels_needed", options, delta=DELTA, power=POWER, runs=RUNS)


if __name__ == "__main__":
    main()
