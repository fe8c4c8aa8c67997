"""How much of a bare forward-backward loop's speed the trainer keeps: the same network, resident random data.

python paper_figs/benchmark_trainer.py            # CUDA: ResNet-18, width 64, batch 512, bfloat16
python paper_figs/benchmark_trainer.py --cpu      # width 16, batch 64
"""

import argparse
import json
import tempfile
import time

import torch
from torch import nn

from bounds.encoders.architectures import resnet18
from bounds.objectives import VICReg
from bounds.pretraining import pretrain
from bounds.pretraining.model import make_projector

PROJECTOR = (512, 512, 128)


def bare(width: int, batch: int, steps: int, device: str) -> float:
    """Images (two views each) a second of forward, backward and an SGD step, nothing else."""
    encoder = resnet18(stem="cifar", width=width)
    model = nn.Sequential(encoder, make_projector(encoder.dim, PROJECTOR)).to(device)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    x = torch.randn(2 * batch, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    for step in range(steps + 3):
        if step == 3:
            wait(device)
            began = time.perf_counter()
        with torch.autocast(device, torch.bfloat16):
            loss = model(x).float().square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    wait(device)
    return steps * batch / (time.perf_counter() - began)


def trained(width: int, batch: int, steps: int, device: str) -> float:
    """The same by the trainer: augmentation, objective, schedule, checks; the second epoch of two."""
    images = torch.randint(0, 256, (batch * steps, 3, 32, 32), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        done = pretrain(
            VICReg(),
            images,
            out=folder,
            encoder=resnet18(stem="cifar", width=width),
            epochs=2,
            batch_size=batch,
            lr=1e-3,
            projector=PROJECTOR,
            precision="bfloat16",
            probe_every=2,
            collapse_below=0.0,
            device=device,
            progress=False,
        )
    return steps * batch / done.history[1]["seconds"]


def wait(device: str) -> None:
    """Until the device has done what it was asked."""
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--steps", type=int, default=None)
    args = parser.parse_args()
    device, width, batch, steps = ("cpu", 16, 64, 6) if args.cpu else ("cuda", 64, 512, 60)
    steps = args.steps or steps
    rates = {"bare": bare(width, batch, steps, device), "trainer": trained(width, batch, steps, device)}
    rates["share"] = rates["trainer"] / rates["bare"]
    print(
        json.dumps(
            {"device": device, "width": width, "batch": batch} | {k: round(v, 3) for k, v in rates.items()}
        )
    )


if __name__ == "__main__":
    main()
