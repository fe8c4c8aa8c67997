"""Training runs for the figures: those saved by train_cifar10.py, or small ones on digits made on the spot."""

from __future__ import annotations

import json
import re
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from inputs import digits_example, encode
from train_digits import RECIPE

import bounds
from bounds.examples.digits import digits
from bounds.objectives import make_objective
from bounds.pretraining import pretrain, ridge_probe

RESULTS = Path(__file__).parent / "results"
# Learning rates of the digits runs, and options of the objectives.
OBJECTIVES: dict[str, dict[str, Any]] = {
    "simclr": {"lr": 0.3, "temperature": 0.2},
    "byol": {"lr": 0.3},
    "vicreg": {"lr": 0.05},
    "vicreg_logdet": {"lr": 0.05},
    "vicreg_pairwise": {"lr": 0.05},
    "byol_logdet": {"lr": 0.3},
    "byol_pairwise": {"lr": 0.3},
}
SEED = re.compile(r"-seed\d+")
TITLES = {
    "simclr": "SimCLR",
    "byol": "BYOL",
    "vicreg": "VICReg",
    "vicreg_logdet": "VICReg, LogDet entropy",
    "vicreg_pairwise": "VICReg, pairwise entropy",
    "byol_logdet": "BYOL, LogDet entropy",
    "byol_pairwise": "BYOL, pairwise entropy",
    "simsiam": "SimSiam",
    "barlow_twins": "Barlow Twins",
}
# A description, not a network: the run then draws the first weights from its seed.
ENCODER = {"name": "small_convnet", "in_channels": 1, "width": 32, "dim": 64}
EPOCHS = {"quick": 6, "full": 60}
BOUNDS = ("vicreg", "vicreg_certified", "vicreg_direct", "vicreg_second_moment", "simclr")


def studies(quick: bool, seed: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """What was trained, and a record per objective and seed: `objective`, `seed`, `history`, `test_probe`, ...

    Of the saved runs those with the most epochs, on a GPU if there are any, ResNets first.
    """
    saved = {} if quick else _saved()
    if not saved:
        return [_trained("quick" if quick else "full", seed)]
    length = {run: (run.startswith("gpu"), max(len(one["history"]) for one in saved[run])) for run in saved}
    longest = [run for run in saved if length[run] == max(length.values())]
    longest.sort(key=lambda run: "convnet" in run)
    return [(_described(run), saved[run]) for run in longest]


def trajectories(quick: bool, seed: int) -> tuple[str, pd.DataFrame]:
    """What was trained, and a row per kept encoder: objective, epoch, test_error, bounds, their terms, ..."""
    saved = [] if quick else sorted(RESULTS.glob("cifar10-*-bounds.json"))
    if saved:
        record = json.loads(saved[-1].read_text())
        rows = [
            {"objective": name, **_scalars(one)}
            for name, kept in record["trajectories"].items()
            for one in kept
        ]
        return _described(record["run"]), pd.DataFrame(rows)
    label, runs = _trained("quick" if quick else "full", seed)
    rows = []
    for run in runs:
        for path in run["trajectory"]:
            report = digits_example(run["objective"], bounds.load_encoder(path, device="cpu")).evaluate(
                bounds=list(BOUNDS)
            )
            row = {"objective": run["objective"], "epoch": int(path.stem.split("_")[1])}
            row |= {"test_error": report.test_error, **report.quantities}
            for bound in report:
                row[bound.name] = bound.value
                row |= {f"{bound.name}.{term.name}": term.value for term in bound.terms.values()}
            rows.append(row)
    return label, pd.DataFrame(rows)


def _saved() -> dict[str, list[dict[str, Any]]]:
    """Results of train_cifar10.py, all seeds of a run together; two runs are never mixed."""
    found = defaultdict(list)
    for path in sorted(RESULTS.glob("cifar10-*.json")):
        record = json.loads(path.read_text())
        if "history" in record:
            run = path.stem.removeprefix("cifar10-").removesuffix(f"-{record['objective']}")
            found[SEED.sub("", run)].append({"seed": record["provenance"]["seed"], **record})
    return dict(found)


def _described(run: str) -> str:
    """A saved run in words, or its name where its settings are not saved."""
    records = _saved().get(SEED.sub("", run), [])
    settings = next((record["settings"] for record in records if "settings" in record), None)
    if settings is None:
        return f"CIFAR-10, run {run}"
    encoder, epochs, images = (settings[key] for key in ("encoder", "epochs", "images"))
    network = f"ResNet-{encoder['depth']}" if "depth" in encoder else "ConvNet"
    return f"CIFAR-10, {network} of width {encoder['width']}, {epochs} epochs of {images:,} images"


def _scalars(row: dict[str, Any]) -> dict[str, Any]:
    """A saved checkpoint's numbers on one level."""
    flat = {key: value for key, value in row.items() if not isinstance(value, dict)} | row["quantities"]
    return flat | {
        key: value["value"] for key, value in row.items() if isinstance(value, dict) and "value" in value
    }


@cache
def _trained(size: str, seed: int) -> tuple[str, list[dict[str, Any]]]:
    """Digits runs of every objective; the folder lives as long as the process."""
    folder = tempfile.TemporaryDirectory()
    _FOLDERS.append(folder)
    split, records, epochs = digits(), [], EPOCHS[size]
    labels, test_labels = (torch.from_numpy(part[1]) for part in (split.labeled, split.test))
    for name, options in OBJECTIVES.items():
        loss = dict(options)
        lr = loss.pop("lr")
        run = pretrain(
            make_objective(name, 128, **loss),
            split.pretrain[0],
            out=Path(folder.name) / name,
            encoder=ENCODER,
            epochs=epochs,
            batch_size=125,
            lr=lr,
            projector=(128, 128, 128),
            recipe=RECIPE,
            probe=split.labeled,
            seed=seed,
            device="cpu",
            keep_every=1 if size == "quick" else 5,
            progress=False,
        )
        network = bounds.load_encoder(run.path, device="cpu")
        z, test_z = (torch.from_numpy(encode(network, part[0])) for part in (split.labeled, split.test))
        records.append(
            {
                "objective": name,
                "seed": seed,
                "history": list(run.history),
                "test_probe": ridge_probe(z, labels, test_z, test_labels, 10),
                "test_images": len(test_labels),
                "trajectory": run.trajectory,
            }
        )
    return f"digits, {epochs} epochs on {len(split.pretrain[0])} images", records


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
