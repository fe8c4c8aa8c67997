"""Trains encoders on CIFAR-10 with several objectives; measures loss, entropy and linear probe on the way.

    python paper_figs/train_cifar10.py                  the GPU configuration: ResNet-18, CIFAR stem, width 64
    python paper_figs/train_cifar10.py --cpu            a narrow ResNet for a short time: another experiment
    python paper_figs/train_cifar10.py --configuration cpu_small                     the small ConvNet, likewise
    python paper_figs/train_cifar10.py --configuration cpu_claims --seed 0           the paper's claims on two cores
    python paper_figs/train_cifar10.py --configuration cpu_convnet --seed 0          all objectives, on the zoo's ConvNet
    python paper_figs/train_cifar10.py --cpu --example  then: the representations in bounds/examples

The folder of CIFAR-10's parquet files is `--data` or $BOUNDS_DATA/cifar10. Runs are kept, and taken up again,
in paper_figs/cache; results go to paper_figs/results as JSON that names its configuration: the two never mix.

Images: encoders train on the first training images (at most 25,000), the next 10,000 are the labeled sample,
the last 15,000 are paired by class, so that the assumptions A2, A3 and A7 of the bounds hold.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bounds.data.pairing import class_pairs
from bounds.data.preprocessing import Preprocessing
from bounds.data.views import Recipe
from bounds.encoders.checkpoints import load_encoder
from bounds.objectives import make_objective
from bounds.pretraining import pretrain, ridge_probe
from bounds.pretraining.images import Images

HERE = Path(__file__).resolve().parent
LABELED, POOL = slice(25_000, 35_000), slice(35_000, 50_000)
RECIPE = Recipe(blur=0.0, solarize=0.0)  # as usual at 32 x 32 pixels (Chen et al. 2020, appendix B.9)
EXAMPLE_DIM, EXAMPLE_PAIRS, EXAMPLE_TEST = 64, 5_000, 5_000

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "gpu": {
        "encoder": {"name": "resnet", "depth": 18, "stem": "cifar", "width": 64, "in_channels": 3},
        "images": 25_000,
        "epochs": 400,
        "batch_size": 512,
        "optimizer": "sgd",
        "projector": (2048, 2048, 256),
        "recipe": RECIPE,
        "precision": "bfloat16",
        "keep_every": 25,
        "probe_every": 5,
    },
    "cpu_claims": {
        "encoder": {"name": "resnet", "depth": 18, "stem": "cifar", "width": 16, "in_channels": 3},
        "images": 10_000,
        "epochs": 40,
        "batch_size": 256,
        "optimizer": "adamw",
        "projector": (512, 512, 128),
        "recipe": RECIPE,
        "precision": "bfloat16",
        "keep_every": 20,
        "probe_every": 4,
        "probe_limit": 4000,
    },
    "cpu_convnet": {
        "encoder": {"name": "small_convnet", "in_channels": 3, "width": 16, "dim": 64},
        "images": 5_000,
        "side": 16,
        "epochs": 40,
        "batch_size": 125,
        "optimizer": "adamw",
        "projector": (128, 128),
        "recipe": Recipe(area=(0.25, 1.0), blur=0.0, solarize=0.0),
        "precision": "float32",
        "target_momentum": 0.97,
        "keep_every": 0,
        "probe_every": 4,
        "probe_limit": 4000,
    },
    "cpu_small": {
        "encoder": {"name": "small_convnet", "in_channels": 3, "width": 32, "dim": 128},
        "images": 20_480,
        "epochs": 8,
        "batch_size": 128,
        "optimizer": "adamw",
        "projector": (256, 256, 128),
        "recipe": RECIPE,
        "precision": "bfloat16",
        "keep_every": 2,
        "probe_every": 1,
        "probe_limit": 4000,
    },
    "cpu": {
        "encoder": {"name": "resnet", "depth": 18, "stem": "imagenet", "width": 32, "in_channels": 3},
        "images": 20_480,
        "epochs": 4,
        "batch_size": 128,
        "optimizer": "adamw",
        "projector": (256, 256, 128),
        "recipe": RECIPE,
        "precision": "bfloat16",
        "keep_every": 1,
        "probe_every": 1,
        "probe_limit": 4000,
    },
}
ADAMW_LR = 0.002
OBJECTIVES: dict[str, dict[str, Any]] = {  # the options of each, and its rate for SGD at batch size 256
    "vicreg": {"lr": 0.05},
    "simclr": {"lr": 0.2, "temperature": 0.2},
    "byol": {"lr": 0.2},
    "vicreg_logdet": {"lr": 0.05},
    "vicreg_pairwise": {"lr": 0.05},
    "byol_logdet": {"lr": 0.2},
    "byol_pairwise": {"lr": 0.2},
    "simsiam": {"lr": 0.05},
    "barlow_twins": {"lr": 0.2},
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configuration", choices=CONFIGURATIONS, default="gpu")
    parser.add_argument(
        "--cpu", dest="configuration", action="store_const", const="cpu", help="the same as cpu"
    )
    parser.add_argument("--objectives", nargs="+", choices=OBJECTIVES, default=list(OBJECTIVES))
    parser.add_argument("--data", type=Path, default=None, help="folder of CIFAR-10's parquet files")
    parser.add_argument("--images", type=int, default=None, help="pretraining images, the first so many")
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument(
        "--example", action="store_true", help="write the embedded example from finished runs"
    )
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    data = args.data or Path(os.environ.get("BOUNDS_DATA", "data")) / "cifar10"
    train, test = Images.load(str(data / "train-*.parquet")), Images.load(str(data / "test-*.parquet"))
    name, device = args.configuration, "cuda" if args.configuration == "gpu" else "cpu"
    commit = head_commit()  # of the code that runs, not of the day it ends
    configuration = dict(CONFIGURATIONS[name])
    configuration |= {k: v for k in ("images", "epochs") if (v := getattr(args, k)) is not None}
    if side := configuration.get("side"):
        train, test = (shrunk(images, side) for images in (train, test))
    label = "{}-{}ep-{}img-seed{}".format(name, configuration["epochs"], configuration["images"], args.seed)
    if args.example:
        write_example(HERE / "cache" / label, train, test)
        return
    for objective in args.objectives:
        folder = HERE / "cache" / label / objective
        result = run(objective, configuration, train, test, folder, args.seed, device)
        result["provenance"] = {"commit": commit} | result["provenance"]
        path = HERE / "results" / f"cifar10-{label}-{objective}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"configuration": name, **result}, indent=1) + "\n")
        print(objective, "linear probe on 10,000 test images:", result["test_probe"], flush=True)


def run(
    name: str,
    configuration: dict[str, Any],
    train: Images,
    test: Images,
    folder: Path,
    seed: int,
    device: str,
) -> dict[str, Any]:
    """One objective from random weights to its JSON."""
    options = dict(configuration)
    count = options.pop("images")
    options.pop("side", None)
    loss = dict(OBJECTIVES[name])
    lr = loss.pop("lr") * options["batch_size"] / 256
    lr = ADAMW_LR if options["optimizer"] == "adamw" else lr
    done = pretrain(
        make_objective(name, options["projector"][-1], **loss),
        train.pixels[:count],
        out=folder,
        probe=(train.pixels[LABELED], train.labels[LABELED]),
        lr=lr,
        seed=seed,
        device=device,
        **options,
    )
    labeled, tested = (features(done.path, part, device) for part in (train.pixels[LABELED], test.pixels))
    accuracy = ridge_probe(labeled, train.labels[LABELED], tested, test.labels, 10)
    return {
        "objective": name,
        "lr": lr,
        "settings": configuration | {"recipe": repr(configuration["recipe"])},
        "test_probe": round(accuracy, 4),
        "test_images": len(test.labels),
        "history": done.history,
        "provenance": provenance(seed, device, sum(row["seconds"] for row in done.history)),
    }


def shrunk(images: Images, side: int) -> Images:
    """The same images with a side of so many pixels (bilinear, antialiased)."""
    resize = Preprocessing(size=side)
    blocks = [
        (resize(block).clamp(0, 1) * 255).round().to(torch.uint8) for block in images.pixels.split(2048)
    ]
    return replace(images, pixels=torch.cat(blocks))


def features(checkpoint: Path, pixels: torch.Tensor, device: str) -> torch.Tensor:
    """Representations of all images, in order, on the CPU."""
    encoder = load_encoder(checkpoint).to(device)
    with torch.inference_mode():
        return torch.cat([encoder(block.to(device)).cpu() for block in pixels.split(512)])


def provenance(seed: int, device: str, seconds: float) -> dict[str, Any]:
    """What made a result: seed, device, versions."""
    on_gpu = device.startswith("cuda")
    return {
        "seed": seed,
        "device": torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads",
        "training_seconds": round(seconds, 1),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "date": time.strftime("%Y-%m-%d"),
    }


def head_commit() -> str:
    """The commit checked out."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def write_example(runs: Path, train: Images, test: Images) -> None:
    """The first 64 principal directions of both encoders' outputs, found on the pretraining images."""
    from safetensors.torch import save_file

    pairs = class_pairs(train.labels[POOL].numpy(), seed=0, class_prior_known=False, name="pool")
    first, second = (torch.from_numpy(rows[:EXAMPLE_PAIRS]) for rows in (pairs.first, pairs.second))
    tensors = {
        "labeled_y": train.labels[LABELED].to(torch.uint8),
        "pairs_y": torch.from_numpy(pairs.labels[:EXAMPLE_PAIRS]).to(torch.uint8),
        "test_y": test.labels[:EXAMPLE_TEST].to(torch.uint8),
    }
    notes = {}
    for method in ("vicreg", "simclr"):
        path = runs / method / "encoder.safetensors"
        encoder = load_encoder(path)
        seen = features(path, train.pixels[:10_000], "cpu").double()
        centre = seen.mean(dim=0)
        axes = torch.linalg.svd(seen - centre, full_matrices=False).Vh[:EXAMPLE_DIM].T

        def project(pixels: torch.Tensor, path: Path = path, centre=centre, axes=axes) -> torch.Tensor:
            return ((features(path, pixels, "cpu").double() - centre) @ axes).half()

        pool = project(train.pixels[POOL])
        tensors |= {
            f"{method}_labeled": project(train.pixels[LABELED]),
            f"{method}_first": pool[first],
            f"{method}_second": pool[second],
            f"{method}_test": project(test.pixels[:EXAMPLE_TEST]),
        }
        found = HERE / "results" / f"cifar10-{runs.name}-{method}.json"
        result = json.loads(found.read_text())
        notes[method] = {k: result[k] for k in ("configuration", "settings", "test_probe", "provenance")}
        notes[method] |= {"checkpoint_sha256": encoder.provenance["sha256"]}
    notes["images"] = {
        "pretraining": "training images from row 0",
        "labeled": f"training rows {LABELED.start} to {LABELED.stop - 1}",
        "pairs": f"class pairs, class drawn first, among training rows {POOL.start} to {POOL.stop - 1}",
        "test": f"test rows 0 to {EXAMPLE_TEST - 1}",
        "projection": f"{EXAMPLE_DIM} principal directions of 10,000 pretraining images, centred, float16",
    }
    path = HERE.parent / "bounds" / "examples" / "cifar10.safetensors"
    save_file(
        {k: v.contiguous() for k, v in tensors.items()}, path, metadata={"provenance": json.dumps(notes)}
    )
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
