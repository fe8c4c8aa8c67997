"""All ranks' rows on every rank, with gradients: a batch statistic then sees the global batch."""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


class _AllGather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.rows = rows.shape[0]
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        start = dist.get_rank() * ctx.rows
        return total[start : start + ctx.rows]


def gather(rows: Tensor) -> Tensor:
    """Concatenate (n, ...) of every rank, in rank order; the identity outside torch.distributed.

    Every rank then computes the same global loss, and backward sums what all of them send back: gradients are
    `world` times those of one process on the whole batch, and the average that DDP takes over ranks makes
    them equal. All ranks must hold the same number of rows.

    Example:
        >>> import torch
        >>> from bounds.objectives import gather
        >>> gather(torch.eye(2))  # one process: itself
        tensor([[1., 0.],
                [0., 1.]])
    """
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return rows
    gathered: Tensor = _AllGather.apply(rows.contiguous())  # type: ignore[no-untyped-call]
    return gathered
