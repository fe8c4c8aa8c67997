"""Data-parallel runs under torchrun: which process this is, on which device, in which group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn


@dataclass(frozen=True)
class Process:
    """One of `world` processes, `rank` among them, computing on `device`."""

    device: torch.device
    rank: int = 0
    world: int = 1

    def parallel(self, model: nn.Module) -> nn.Module:
        """The model itself, or wrapped so that gradients are averaged over the processes."""
        if self.world == 1:
            return model
        on_gpu = self.device.type == "cuda"
        if on_gpu:
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return nn.parallel.DistributedDataParallel(model, device_ids=[self.device] if on_gpu else None)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            dist.barrier()


@contextmanager
def join(device: str | torch.device | None) -> Iterator[Process]:
    """This process; joins the group torchrun describes in the environment, unless one is joined already."""
    if device is None:
        local = os.environ.get("LOCAL_RANK", "0")
        device = f"cuda:{local}" if torch.cuda.is_available() else "cpu"
    device = torch.device(device)
    joined = False
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        joined = True
    try:
        if dist.is_available() and dist.is_initialized():
            yield Process(device, dist.get_rank(), dist.get_world_size())
        else:
            yield Process(device)
    finally:
        if joined:
            dist.destroy_process_group()
