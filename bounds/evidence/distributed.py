"""Summaries merged over the processes of a run: a tree in rank order, then the same numbers to everyone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from bounds.errors import ProcessFailed
from bounds.evidence.saved import Summary, from_plain, shapes, to_plain
from bounds.processes import Processes, as_bytes
from bounds.summaries.totals import Totals

S = TypeVar("S", bound=Summary)


def all_merge(processes: Processes, summary: S) -> S:
    """The summary of all processes, bit for bit the same in each; the summary itself when there is one only.

    Neighbours merge two by two, so that ranks stay in order and the time grows with the logarithm of their
    number; each holds two summaries at most. Process 0 then sends the result to all.

    Raises:
        ProcessFailed: another process is gone, or merges something else.
    """
    what = f"merging {type(summary).__name__}"
    step = 1
    while step < processes.world:
        if processes.rank % (2 * step):
            to = processes.rank - step
            for one in _packed(summary):
                processes.send(one, to, what)
            break
        if (source := processes.rank + step) < processes.world:
            summary = summary.merge(
                _unpacked(summary, processes, lambda one: processes.receive(one, source, what))
            )
        step *= 2
    if processes.world == 1:
        return summary
    if processes.rank:
        return _unpacked(summary, processes, lambda one: processes.broadcast(one, what))
    for one in _packed(summary):
        processes.broadcast(one, what)
    return summary


def all_sum(processes: Processes, what: str, sums: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Sums over all items, from those over each process's own; `sums` may raise, then all processes do.

    Raises:
        ProcessFailed: another process raised, or is gone.
    """
    own = processes.together(what, sums)
    if processes.world == 1:
        return own
    flat = Totals(torch.cat([one.flatten() for one in own]))
    parts = all_merge(processes, flat).values.split_with_sizes([one.numel() for one in own])
    return tuple(part.reshape(one.shape) for part, one in zip(parts, own, strict=True))


def _packed(summary: Summary) -> list[Tensor]:
    """The length of a header, the header, and the tensors it describes."""
    tensors: list[Tensor] = []
    plain = to_plain(summary, tensors)
    facts = [[list(one.shape), str(one.dtype).removeprefix("torch."), one.device.type] for one in tensors]
    header = as_bytes(json.dumps({"plain": plain, "tensors": facts}).encode())
    return [torch.tensor([len(header)]), header, *tensors]


def _unpacked(like: S, processes: Processes, receive: Callable[[Tensor], Tensor]) -> S:
    """What another process packed; `receive` fills a tensor of given shape, type and device."""
    size = int(receive(torch.zeros(1, dtype=torch.int64)))
    header = json.loads(bytes(receive(torch.zeros(size, dtype=torch.uint8)).tolist()))
    tensors = [
        receive(torch.zeros(shape, dtype=getattr(torch, dtype), device=device))
        for shape, dtype, device in header["tensors"]
    ]
    found: S = from_plain(header["plain"], tensors)
    if shapes(found) != shapes(like):
        raise ProcessFailed(
            f"Process {processes.rank} merges a {type(like).__name__} where another sends a {type(found).__name__}, or "
            "of other shape; all must evaluate the same data with the same options."
        )
    return found
