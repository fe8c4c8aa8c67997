"""Trains the two digits encoders that the package ships: VICReg and SimCLR, a few minutes on two cores.

python paper_figs/train_digits.py [--epochs 150] [--threads 1] [--out bounds/examples]
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import torch

from bounds.data.views import Recipe
from bounds.encoders.checkpoints import load_encoder
from bounds.examples.digits import digits
from bounds.objectives import NTXent, VICReg
from bounds.pretraining import pretrain, ridge_probe

ROOT = Path(__file__).resolve().parents[1]
RECIPE = Recipe(
    area=(0.35, 1.0), flip=0.0, blur=0.0, solarize=0.0
)  # a flipped or blurred digit is another digit
RUNS = {
    "vicreg": (VICReg(), {"lr": 0.05}),
    "simclr": (NTXent(temperature=0.2), {"lr": 0.3}),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--threads", type=int, default=1, help="more do not pay on images of 8 x 8")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "bounds" / "examples")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    split = digits()
    for name, (objective, options) in RUNS.items():
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            run = pretrain(
                objective,
                split.pretrain[0],
                out=folder,
                encoder={"name": "small_convnet", "width": 32, "dim": 64},
                epochs=args.epochs,
                batch_size=250,
                recipe=RECIPE,
                seed=args.seed,
                device="cpu",
                probe_every=20,
                **options,
            )
            path = args.out / f"digits_{name}.safetensors"
            shutil.copyfile(run.path, path)
        encoder = load_encoder(path)
        images, labels = (torch.from_numpy(part) for part in split.labeled)
        test, test_labels = (torch.from_numpy(part) for part in split.test)
        z, test_z = encoder(images[:, None]), encoder(test[:, None])
        print(
            json.dumps(
                {
                    "objective": name,
                    "epochs": args.epochs,
                    "probe_accuracy_test": round(ridge_probe(z, labels, test_z, test_labels, 10), 4),
                    "embedding_entropy_unit": round(run.history[-1]["embedding_entropy_unit"], 2),
                    "seconds": round(time.perf_counter() - began, 1),
                    "bytes": path.stat().st_size,
                }
            )
        )


if __name__ == "__main__":
    main()
