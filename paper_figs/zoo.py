"""Trains the zoo: many small encoders by six objectives, one hyperparameter changed at a time.

    python paper_figs/zoo.py --data FOLDER [--work FOLDER] [--minutes 60]

Takes the configurations of `zoo_grid` in order, skips what is done or what another process is at, and continues
what was interrupted; several processes may run side by side. Each encoder leaves `NAME.safetensors` (float16) and
`NAME.json` (configuration, loss curve, seconds, versions) in `paper_figs/zoo`, whole or not at all. No probe is
measured while training. `zoo_measures.py` makes the table of them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import style
import torch
from zoo_grid import BATCH, RECIPES, SIDE, Configuration, grid
from zoo_images import saved_split

from bounds.data.preprocessing import Preprocessing
from bounds.encoders import save_encoder
from bounds.errors import TrainingCollapsed
from bounds.objectives import make_objective
from bounds.pretraining import pretrain

ZOO = Path(__file__).parent / "zoo"
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "small_convnet": {"name": "small_convnet", "dim": 64},
    "resnet18": {"name": "resnet", "depth": 18, "stem": "cifar"},
}


def train(one: Configuration, data: Path, work: Path, out: Path) -> dict[str, Any]:
    """Train or continue one encoder, write it and its record; returns the record."""
    began = time.process_time()
    images = saved_split(data, one.data, work).train[0]
    name, width = one.encoder
    kind = ARCHITECTURES[name] | {"width": width, "in_channels": images.shape[1]}
    pixels = images.double().div(255).transpose(0, 1).flatten(1)
    mean, std = (tuple(found.tolist()) for found in (pixels.mean(dim=1), pixels.std(dim=1)))
    preprocessing = Preprocessing(mean, std, size=SIDE, channels=images.shape[1])
    record: dict[str, Any] = {
        "configuration": asdict(one), "images": len(images), "side": SIDE, "batch_size": BATCH,
        "optimizer": "adamw", "provenance": style.provenance(),
    }  # fmt: skip
    try:
        torch.manual_seed(one.seed)
        run = pretrain(
            make_objective(one.objective, one.projector[-1], **one.options),
            images,
            out=work / one.name,
            encoder=kind,
            epochs=one.epochs,
            batch_size=BATCH,
            optimizer="adamw",
            lr=one.lr,
            projector=one.projector,
            recipe=RECIPES[one.data][one.augmentation],
            preprocessing=preprocessing,
            seed=one.seed,
            target_momentum=one.target_momentum,
            keep_every=0,
            probe_every=one.epochs,
            collapse_below=0.0,  # a collapsed encoder belongs to the study
            progress=False,
        )
    except TrainingCollapsed as error:  # the loss is not finite: there is no encoder
        record["failed"] = str(error)
    else:
        record["curve"] = [
            {"loss": row["loss"], **row["parts"], "spread": row["spread"], "seconds": row["seconds"]}
            for row in run.history
        ]
        save_encoder(run.encoder.half(), out / f"{one.name}.safetensors", preprocessing=preprocessing)
    record["cpu_seconds_of_last_start"] = round(time.process_time() - began, 1)
    part = out / f".{one.name}.part"
    part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(part, out / f"{one.name}.json")  # the record comes last: it says that the encoder is done
    shutil.rmtree(work / one.name, ignore_errors=True)
    return record


def run(data: Path, work: Path, out: Path, minutes: float, limit: int | None = None) -> int:
    """Train what is not done until the time is over; returns how many encoders this process finished."""
    end, done = time.monotonic() + 60 * minutes, 0
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    for one in grid():
        if time.monotonic() > end or done == limit:
            break
        with open(work / f"{one.name}.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if (out / f"{one.name}.json").exists():
                continue
            record = train(one, data, work, out)
            done += 1
            print(f"{one.name}: {record['cpu_seconds_of_last_start']} s", flush=True)
    return done


def main(argv: list[str] | None = None) -> None:
    parser = style.parser(__doc__)
    parser.set_defaults(out=ZOO)
    parser.add_argument(
        "--work", type=Path, default=Path(__file__).parent / "cache" / "zoo", help="unfinished runs"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="no encoder is begun after this time")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)  # two processes use two cores better than one process does
    run(options.data, options.work, options.out, options.minutes, limit=1 if options.quick else None)


if __name__ == "__main__":
    main()
