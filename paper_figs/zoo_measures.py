"""Measures every encoder of the zoo: label-free measures, bounds with their terms, and the errors they should rank.

    python paper_figs/zoo_measures.py --data FOLDER [--minutes 30]

Writes `zoo.csv` (a row an encoder, a column a measure) into `paper_figs/results`, anew after every encoder, and measures
only what the file does not hold yet. Measures without labels see the unlabeled images, two views each by one recipe for
all encoders of a data set; bounds see also the labeled ones; errors are of heads fitted on the labeled images and
counted on the test images, which nothing else sees. CIFAR-10 encoders are also tried on other data, by a ridge head on
one half of each.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import style
import torch
from torch import Tensor
from zoo import ZOO
from zoo_grid import RECIPES, grid
from zoo_images import Split, images, saved_split

import bounds
from bounds.data.views import Augmentation
from bounds.draws import permutation
from bounds.heads.knn import NearestNeighbours
from bounds.heads.labeled_rows import LabeledRows
from bounds.pretraining import ridge_probe
from bounds.pretraining.monitor import entropies
from bounds.representations.table import Representations

RESULTS = Path(__file__).parent / "results"
OTHER = ("fashion-mnist", "clothing", "food101-10", "flowers102")
SEEN_ONLY_ON_TEST = (
    "test_set",
    "test_set_",
)  # bounds that count on the test images: the truth, not a measure of it
_BLOCK = 500


def measures(path: Path, split: Split, recipe_of: str) -> dict[str, Any]:
    """Everything about one encoder on its own data, by name."""
    network = bounds.load_encoder(path, device="cpu")
    views = Augmentation(RECIPES[recipe_of]["standard"], seed=1)
    rows = np.arange(len(split.unlabeled[0]))
    first, second = (encode(network, views(split.unlabeled[0], rows, view)) for view in (0, 1))
    labeled, test = encode(network, split.labeled[0]), encode(network, split.test[0])
    (_, y), (_, test_y) = split.labeled, split.test
    found: dict[str, Any] = {
        "probe_error": 1 - ridge_probe(labeled, y, test, test_y, 10),
        "knn_error": knn_error(labeled, y, test, test_y),
    }
    # With labels only the last three are asked for; the others are those of the unlabeled views.
    label_based = bounds.describe(labeled, labels=y)
    seen = {one.name: one.value for one in bounds.describe((first, second)).measures}
    for name in ("cdnv", "directional_cdnv", "neural_collapse"):
        seen[name] = label_based[name]
    found |= {name: value for name, value in seen.items() if name not in ("rank", "dead_dimensions")}
    found |= {"dead_dimensions": seen["dead_dimensions"]}
    found["pairwise_entropy"] = entropies(first, "views")["views_entropy_pairwise"]
    return found | bound_values(labeled, y, first, second, test, test_y)


def bound_values(
    labeled: Tensor, y: Tensor, first: Tensor, second: Tensor, test: Tensor, test_y: Tensor
) -> dict[str, Any]:
    """Every bound as `bound.NAME`, its terms as `bound.NAME.TERM`, and the measured error of their head."""
    report = bounds.evaluate(
        None,
        (labeled.numpy(), y.numpy()),
        (first.numpy(), second.numpy()),
        test=(test.numpy(), test_y.numpy()),
        nonnegative=True,
        fresh=True,
        class_prior="balanced",
        holdout=0.2,
        num_classes=10,
        progress=False,
    )
    found: dict[str, Any] = {"test_error": report.test_error}
    for bound in report:
        if not bound.name.startswith(SEEN_ONLY_ON_TEST):
            found[f"bound.{bound.name}"] = bound.value
            found |= {f"bound.{bound.name}.{term.name}": term.value for term in bound.terms.values()}
    return found


def transfer(path: Path, data: Path, cache: Path) -> dict[str, float]:
    """Errors of a ridge head on other data, fitted on half of the images."""
    network, found = bounds.load_encoder(path, device="cpu"), {}
    for name in OTHER:
        x, y = other_images(data, name, cache)
        z = encode(network, x)
        fit, test = torch.from_numpy(permutation(0, len(y)).copy()).chunk(2)
        found[f"error_{name}"] = 1 - ridge_probe(z[fit], y[fit], z[test], y[test], int(y.max()) + 1)
    return found


def other_images(data: Path, name: str, cache: Path) -> tuple[Tensor, Tensor]:
    """The images of a data set no encoder was trained on, in colour, decoded once."""
    file = cache / f"images-{name}-rgb.pt"
    if not file.exists():
        torch.save(images(data / name / "test.parquet", channels=3), file)
    x, y = torch.load(file, weights_only=True)
    return x, y


def encode(network: Any, x: Tensor) -> Tensor:
    """Representations, float32 (N, d)."""
    with torch.inference_mode():
        return torch.cat([network(part) for part in x.split(_BLOCK)]).float().clone()


def knn_error(labeled: Tensor, y: Tensor, test: Tensor, test_y: Tensor) -> float:
    """Error of 20 nearest neighbours by cosine."""
    table = Representations((labeled.numpy(),), y.numpy())
    head = NearestNeighbours(20).fit(LabeledRows(table, 10))
    return float((head(test.double()).argmax(dim=1) != test_y).double().mean())


def collect(data: Path, zoo: Path, cache: Path, out: Path, minutes: float) -> pd.DataFrame:
    """Measure what is trained and not yet in the table, save after each; returns the table."""
    file = out / "zoo.csv"
    rows = pd.read_csv(file, comment="#").to_dict("records") if file.exists() else []
    end, done = time.monotonic() + 60 * minutes, {row["encoder"] for row in rows}
    for one in grid():
        record = zoo / f"{one.name}.json"
        weights = zoo / f"{one.name}.safetensors"
        if one.name in done or not record.exists() or not weights.exists():
            continue  # no weights: the loss was not finite, as the record says
        if time.monotonic() > end:
            break
        saved = json.loads(record.read_text(encoding="utf-8"))
        row: dict[str, Any] = {
            "encoder": one.name, "data": one.data, "objective": one.objective, "variant": one.variant,
            "epochs": one.epochs, "final_loss": saved["curve"][-1]["loss"],
            "cpu_seconds": saved["cpu_seconds_of_last_start"],
        }  # fmt: skip
        row |= measures(weights, saved_split(data, one.data, cache), one.data)
        if one.data == "cifar10":
            row |= transfer(weights, data, cache)
        rows.append(row)
        style.write_csv(pd.DataFrame(rows), "zoo", out, style.provenance(encoders=len(rows)))
        print(f"{one.name}: probe error {row['probe_error']:.3f}", flush=True)
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.set_defaults(out=RESULTS)
    parser.add_argument("--zoo", type=Path, default=ZOO, help="folder of the encoders")
    parser.add_argument(
        "--work", type=Path, default=Path(__file__).parent / "cache" / "zoo", help="decoded images"
    )
    parser.add_argument("--minutes", type=float, default=30.0, help="no encoder is begun after this time")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    collect(options.data, options.zoo, options.work, options.out, 0.0 if options.quick else options.minutes)


if __name__ == "__main__":
    main()
