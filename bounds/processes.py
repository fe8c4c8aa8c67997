"""The processes of one run under torchrun: who takes which rows, and how all of them learn that one has failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from bounds.errors import InvalidOption, ProcessFailed

T = TypeVar("T")
_TEXT = 4096  # bytes of a message between processes
_PATIENCE = timedelta(days=1)  # uneven shares make processes wait; one that dies is noticed at once


@dataclass(frozen=True)
class Processes:
    """This process among those that run the same program on the same data.

    All of them make the same calls in the same order; what is long is shared by rows and merged.

    Attributes:
        rank: Number of this process, from 0.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @classmethod
    def of_group(cls) -> Processes:
        """The default group of torch.distributed.

        Raises:
            InvalidOption: there is none.
        """
        if not (dist.is_available() and dist.is_initialized()):
            raise InvalidOption(
                "`distributed=True` needs a process group; start with torchrun, or call init_process_group first."
            )
        return cls(dist.get_rank(), dist.get_world_size())

    @classmethod
    def chosen(cls, distributed: bool) -> Processes:
        """Those of the group if the caller says that all of them call, else this one alone.

        Raises:
            InvalidOption: there is no group.
        """
        return cls.of_group() if distributed else ALONE

    def share(self, count: int, rank: int | None = None) -> tuple[int, int]:
        """First row of `count` that a process takes (this one by default), and the row after its last."""
        rank = self.rank if rank is None else rank
        return rank * count // self.world, (rank + 1) * count // self.world

    def together(self, what: str, step: Callable[[], T]) -> T:
        """Do a step that may fail in one process; then it fails in all of them.

        Args:
            what: The step, for messages: "extracting `labeled`".
            step: May do something else in each process, but must not communicate.

        Raises:
            ProcessFailed: another process failed, or is gone.
        """
        if self.world == 1:
            return step()
        try:
            result = step()
        except Exception as error:
            self.texts(f"{type(error).__name__}: {error}", what)
            raise
        for rank, message in enumerate(self.texts("", what)):
            if message:
                raise ProcessFailed(f"Process {rank} of {self.world} failed {what}: {message}")
        return result

    def texts(self, mine: str, what: str) -> list[str]:
        """The text of each process, in order of rank."""
        if self.world == 1:
            return [mine]
        own = as_bytes(mine.encode()[:_TEXT])
        own = torch.nn.functional.pad(own, (0, _TEXT - len(own))).to(self.wire())
        found = [torch.empty_like(own) for _ in range(self.world)]
        with self._watched(what):
            dist.all_gather(found, own)
        return [bytes(one.tolist()).rstrip(b"\0").decode(errors="replace") for one in found]

    def send(self, tensor: Tensor, to: int, what: str) -> None:
        """To another process, which must call `receive`."""
        with self._watched(what):
            dist.send(tensor.to(self.wire(tensor)).contiguous(), to)

    def receive(self, tensor: Tensor, source: int, what: str) -> Tensor:
        """What `source` sends; `tensor` says shape, type and device, and is overwritten."""
        wired = tensor.to(self.wire(tensor))
        with self._watched(what):
            dist.recv(wired, source)
        return wired.to(tensor.device)

    def broadcast(self, tensor: Tensor, what: str) -> Tensor:
        """The tensor of process 0, in all of them; the others give one of its shape, type and device."""
        wired = tensor.to(self.wire(tensor)).contiguous()
        with self._watched(what):
            dist.broadcast(wired, 0)
        return wired.to(tensor.device)

    def wire(self, tensor: Tensor | None = None) -> torch.device:
        """Device from which the group can send: that of the tensor if it has a backend, else one that has."""
        able = _served()
        if tensor is not None and tensor.device.type in able:
            return tensor.device
        return torch.device("cpu") if "cpu" in able else torch.device("cuda", torch.cuda.current_device())

    @contextmanager
    def _watched(self, what: str) -> Iterator[None]:
        """Say in one sentence that another process is gone, whatever the library says."""
        try:
            yield
        except RuntimeError as error:
            raise ProcessFailed(
                f"Process {self.rank} of {self.world} lost another one {what} ({str(error).splitlines()[0]}); see its "
                "message, then start all again: with `save_representations`, finished shards are used again."
            ) from error


ALONE = Processes()


def as_bytes(data: bytes) -> Tensor:
    """Bytes as a uint8 tensor of their own."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.zeros(0, dtype=torch.uint8)


def _served() -> set[str]:
    """Device types that the default group can send from."""
    config = str(dist.get_backend_config())  # "cpu:gloo,cuda:nccl"
    return {kind for kind, _, backend in (entry.partition(":") for entry in config.split(",")) if backend}


@contextmanager
def torchrun() -> Iterator[Processes]:
    """The processes that torchrun started, joined by gloo (and nccl where there is CUDA); else this one alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield ALONE
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=_PATIENCE)
    try:
        yield Processes.of_group()
    finally:
        dist.destroy_process_group()
