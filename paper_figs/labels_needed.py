"""How many labels tell which of two encoders is better: separate limits, the paired test, disagreements alone, a duel.

    python paper_figs/labels_needed.py [--data FOLDER] [--cache FOLDER] [--out paper_figs/results]

CIFAR-10 through encoders of the zoo (trained without labels at 16 pixels) and an ImageNet encoder at 64 pixels; ridge heads
on 5,000 labels. The 10,000 test images are the population: a pair's rates of "only a is right", "only b is right" and
"they differ" on them give, at δ = 0.05 with δ/2 for each direction and power 0.8, the smallest fixed sizes, and by 4,000
simulated duels the mean number of labels until a verdict. Writes `labels_needed.csv` and the figure.
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

DELTA, POWER, RUNS = 0.05, 0.8, 4000
ZOO = Path(__file__).with_name("zoo")
ENCODERS = ("vicreg-base", "simclr-base", "barlow_twins-base", "byol-base", "simclr-short")
METHODS = {
    "separate": "two separate limits",
    "paired": "paired test, all items",
    "disagreements": "paired test, disagreements only",
    "sequential": "duel, mean",
}


def predictions(data: Path, cache: Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Classes of the test images by each encoder's ridge head, and the true ones."""
    from imagenet_encoder import load_efficientnet_lite0
    from zoo_images import SIZES, TRAIN, UNLABELED, saved_split

    from bounds.draws import permutation
    from bounds.representations.inputs import open_source

    small = saved_split(data, "cifar10", cache)
    truth = small.test[1].numpy()
    found = {}
    for name in ENCODERS:
        import bounds

        encoder = bounds.load_encoder(ZOO / f"cifar10-{name}.safetensors", device="cpu")
        z = [_encoded(encoder, part[0]) for part in (small.labeled, small.test)]
        found[name.removesuffix("-base")] = _ridge(z[0], small.labeled[1], z[1])
    # The same images, as they are.
    imagenet = load_efficientnet_lite0(64)
    parts = []
    for file, rows in (
        (
            "train-00000-*",
            permutation(0, 25_000)[TRAIN + UNLABELED : TRAIN + UNLABELED + SIZES["cifar10"][0]],
        ),
        ("test-*", permutation(0, 10_000)),
    ):
        path = next((data / "cifar10").glob(f"{file}.parquet"))
        x = torch.cat([batch.views[0] for batch in open_source(str(path), name="x").batches(1000)])
        parts.append(_encoded(imagenet, x[torch.from_numpy(rows.copy())]))
    found["ImageNet"] = _ridge(parts[0], small.labeled[1], parts[1])
    return found, truth


def _encoded(encoder: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        z = torch.cat([encoder(part).float() for part in images.split(250)]).double()
    return z / torch.linalg.vector_norm(z, dim=1, keepdim=True)


def _ridge(z: torch.Tensor, labels: torch.Tensor, test: torch.Tensor) -> np.ndarray:
    from bounds.heads import head_kind
    from bounds.heads.labeled_rows import LabeledRows
    from bounds.representations.table import Representations
    from bounds.summaries.decision import decide

    table = Representations((z.numpy(),), labels.numpy())
    return decide(head_kind(("ridge", 1e-4)).fit(LabeledRows(table, 10))(test)).numpy()


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
    """Labels needed by each method."""
    signs = one["plus"] + one["minus"]
    q = one["plus"] / signs
    found = {
        "separate": _first(lambda n: _separate_power(n, one, seed)),
        "paired": _first(lambda n: _sign_power(n, signs, q)),
        "disagreements": _first(lambda n: _sign_power(n, signs / one["differ"], q)),
        "sequential": duels(q, signs / one["differ"], seed),
    }
    return {"q": q, **found}


def _sign_power(labels: int, share: float, q: float) -> float:
    """Power of the one-sided sign test at δ/2 when each label is a sign with probability `share`."""
    n = np.arange(binom.ppf(1e-9, labels, share), binom.isf(1e-9, labels, share) + 1)
    needed = binom.isf(DELTA / 2, n, 0.5) + 1
    return float(binom.pmf(n, labels, share) @ binom.sf(needed - 1, n, q))


def _separate_power(labels: int, one: dict[str, float], seed: int) -> float:
    """How often Clopper-Pearson limits of both errors, at δ/2 each, lie apart: by simulation."""
    rng = np.random.default_rng(seed)
    both = one["error_a"] - one["minus"]
    plus, minus, wrong, _ = rng.multinomial(
        labels, [one["plus"], one["minus"], both, 1 - one["plus"] - one["minus"] - both], RUNS
    ).T
    upper = beta.ppf(1 - DELTA / 4, minus + wrong + 1, labels - minus - wrong)
    lower = beta.ppf(DELTA / 4, plus + wrong, labels - plus - wrong + 1)
    return float((upper < lower).mean())


def _first(power: Callable[[int], float]) -> int:
    """The size from which the power, but for the jags of exact tests, is enough."""
    high = 8
    while power(high) < POWER:
        high *= 2
    low = high // 2
    while high - low > max(1, low // 500):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high


def duels(q: float, share: float, seed: int) -> float:
    """Mean number of labels on disagreements until a duel decides, items without end."""
    from bounds.duels.signs import log_sign_e_value

    rng = np.random.default_rng(seed)
    waiting, plus, minus, labels = np.arange(RUNS), np.zeros(RUNS), np.zeros(RUNS), np.zeros(RUNS)
    while len(waiting):
        draw = rng.random((len(waiting), 256))
        up = np.cumsum(draw < share * q, axis=1) + plus[waiting, None]
        down = np.cumsum((draw >= share * q) & (draw < share), axis=1) + minus[waiting, None]
        out = np.maximum(log_sign_e_value(up, down), log_sign_e_value(down, up)) >= np.log(2 / DELTA)
        ended = out.any(1)
        labels[waiting] += np.where(ended, out.argmax(1) + 1, draw.shape[1])
        plus[waiting], minus[waiting] = up[:, -1], down[:, -1]
        waiting = waiting[~ended]
    return float(labels.mean())


def table(found: dict[str, np.ndarray], truth: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """A row a pair that differs at all, by the difference of its errors."""
    rows = []
    for one, other in combinations(found, 2):
        a, b = sorted((one, other), key=lambda name: (found[name] != truth).mean())
        made = rates(found[a], found[b], truth)
        if made["plus"] - made["minus"] < 0.002:
            continue
        rows.append({"a": a, "b": b, **made, **sizes(made, seed)})
        print(rows[-1], flush=True)
    frame = pd.DataFrame(rows)
    frame["difference"] = frame["error_b"] - frame["error_a"]
    return frame.sort_values("difference").reset_index(drop=True)


def draw(rows: pd.DataFrame) -> Any:
    """The figure, from the table alone."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(style.PAGE * 0.62, 3.0))
    axes = figure.subplots()
    for (name, label), color, marker in zip(METHODS.items(), style.PALETTE, "so^D", strict=False):
        axes.plot(100 * rows["difference"], rows[name], marker, ms=4, color=color, label=label)
    axes.set(xscale="log", yscale="log", xlabel="difference of the errors, points", ylabel="labels needed")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.add_argument("--cache", type=Path, default=Path(__file__).with_name("cache") / "zoo")
    parser.set_defaults(out=Path(__file__).with_name("results"))
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    found, truth = predictions(options.data, options.cache)
    for name, one in found.items():
        print(f"{name:16} error {(one != truth).mean():.4f}", flush=True)
    rows = table(found, truth, options.seed)
    notes = style.provenance(
        script=Path(__file__).name, seed=options.seed, delta=DELTA, power=POWER, runs=RUNS
    )
    style.write_csv(rows, "labels_needed", options.out, notes)
    with style.paper_style():
        style.save(draw(rows), "labels_needed", options.out)


if __name__ == "__main__":
    main()
