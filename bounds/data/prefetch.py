"""Loading and computing overlap: a thread reads ahead, and transfers to a GPU do not wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def prefetched(items: Iterable[T], depth: int = 2) -> Generator[T, None, None]:
    """The same items, read up to `depth` ahead by a thread.

    What the reading raises is raised here, after the items before it. The thread ends with this iterator:
    when it is exhausted, closed or dropped.
    """
    ready: queue.Queue[tuple[str, T | BaseException | None]] = queue.Queue(depth)
    stopped = threading.Event()

    def hand_over(what: str, value: T | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                ready.put((what, value), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def read() -> None:
        try:
            for item in items:
                if not hand_over("item", item):
                    return
            hand_over("end", None)
        except BaseException as err:  # raised again by the reader's consumer
            hand_over("error", err)

    thread = threading.Thread(target=read, name="bounds-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            what, value = ready.get()
            if what == "end":
                return
            if isinstance(value, BaseException) and what == "error":
                raise value
            yield value  # type: ignore[misc]
    finally:
        stopped.set()
        thread.join()


def to_device(x: Tensor, device: torch.device | str) -> Tensor:
    """The tensor on a device, in its own type; from the CPU to CUDA by way of pinned memory, without waiting."""
    device = torch.device(device)
    if device.type == "cuda" and x.device.type == "cpu":
        return x.pin_memory().to(device, non_blocking=True)
    return x.to(device)


def transferred(items: Iterable[T], move: Callable[[T], T], device: torch.device) -> Iterator[T]:
    """The same items, moved to a CUDA device on a stream of their own; other devices are left to the consumer.

    Read by `prefetched`, the transfer of one batch runs beside the computation on the one before. The consumer
    must have finished with an item before it asks for the next but one.
    """
    if device.type != "cuda":
        yield from items
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    for item in items:
        with torch.cuda.stream(stream):
            moved = move(item)
        stream.synchronize()
        yield moved
