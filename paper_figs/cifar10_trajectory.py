"""Bounds over training: every encoder that train_cifar10.py kept, on the same labeled images and pairs.

    python paper_figs/cifar10_trajectory.py --run cpu-4ep-20480img-seed0 --objectives vicreg simclr

The images are those that the run did not see: see train_cifar10.py.
"""

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

import torch
from train_cifar10 import HERE, LABELED, POOL, features, head_commit, provenance

from bounds import evaluate
from bounds.data.pairing import class_pairs
from bounds.pretraining.images import Images

BOUNDS = ["vicreg", "vicreg_certified", "vicreg_direct", "vicreg_second_moment", "simclr", "test_set"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", required=True, help="name of a folder of paper_figs/cache")
    parser.add_argument("--objectives", nargs="+", default=["vicreg", "simclr"])
    parser.add_argument("--data", type=Path, default=None, help="folder of CIFAR-10's parquet files")
    parser.add_argument("--labeled", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=2500)
    parser.add_argument("--test", type=int, default=2000)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=None)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    data = args.data or Path(os.environ.get("BOUNDS_DATA", "data")) / "cifar10"
    train, test = Images.load(str(data / "train-*.parquet")), Images.load(str(data / "test-*.parquet"))
    pairs = class_pairs(train.labels[POOL].numpy(), seed=0, class_prior_known=False, name="pool")
    first, second = (POOL.start + torch.from_numpy(r[: args.pairs]) for r in (pairs.first, pairs.second))
    rows = torch.cat([torch.arange(LABELED.start, LABELED.start + args.labeled), first, second])
    pixels = torch.cat([train.pixels[rows], test.pixels[: args.test]])
    labels = torch.cat([train.labels[rows], test.labels[: args.test]])
    sizes = [args.labeled, args.pairs, args.pairs, args.test]
    found: dict[str, list[dict[str, Any]]] = {}
    for objective in args.objectives:
        found[objective] = []
        for path in sorted(
            (HERE / "cache" / args.run / objective / "trajectory").glob("epoch_*.safetensors")
        ):
            z = features(path, pixels, args.device).split(sizes)
            s, first_y, _, test_y = labels.split(sizes)
            report = evaluate(
                None,
                (z[0], s),
                (z[1], z[2], first_y),
                pairs="class",
                fresh=True,
                class_prior="balanced",
                nonnegative=True,
                test=(z[3], test_y),
                bounds=BOUNDS,
                progress=False,
            )
            row = {
                "epoch": int(re.findall(r"\d+", path.name)[0]),
                "test_error": report.test_error,
                "quantities": report.to_dict()["quantities"],
            }
            row |= {
                b.name: {"value": b.value, "error_rate": b.error_rate, "vacuous": b.vacuous} for b in report
            }
            found[objective].append(row)
            print(objective, row["epoch"], {b.name: round(b.value, 3) for b in report}, flush=True)
    path = HERE / "results" / f"cifar10-{args.run}-bounds.json"
    notes = {"commit": head_commit()} | provenance(0, args.device, 0.0)
    record = {
        "run": args.run,
        "sizes": sizes,
        "trajectories": found,
        "provenance": notes,
    }
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
