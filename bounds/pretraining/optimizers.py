"""SGD, LARS and AdamW with the usual exclusions, and a cosine schedule with linear warm-up."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class LARS(torch.optim.Optimizer):
    r"""Layer-wise adaptive rate scaling: every weight matrix moves by a fixed share of its own norm.

    .. math:: v \leftarrow m v + r (g + w p), \quad p \leftarrow p - \eta v, \quad
        r = \frac{t \|p\|}{\|g + w p\|}

    r = 1 and w = 0 for vectors (biases, batch norm), as in the programs of SimCLR, BYOL and VICReg.

    Args:
        parameters: Parameters to move.
        lr: η.
        momentum: m.
        weight_decay: w.
        trust: t.

    Reference:
        You, Gitman, Ginsburg, "Large batch training of convolutional networks", arXiv:1708.03888, equation
        (6).

    Example:
        >>> import torch
        >>> from bounds.pretraining import LARS
        >>> weight = torch.nn.Parameter(torch.eye(2))
        >>> optimizer = LARS([weight], lr=1.0, trust=0.1)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> round(weight[0, 0].item(), 4)  # 1 − √2/20: t‖p‖ over four equal entries
        0.9293
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; a closure is not used."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, p: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if p.ndim > 1:
            gradient = gradient + group["weight_decay"] * p
            size, pull = p.norm(), gradient.norm()
            ratio = group["trust"] * size / pull
            gradient = gradient * torch.where((size > 0) & (pull > 0), ratio, torch.ones_like(ratio))
        state = self.state[p]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(p)
        velocity = state["velocity"].mul_(group["momentum"]).add_(gradient)
        p.sub_(group["lr"] * velocity)


def make_optimizer(
    name: str, model: nn.Module, *, lr: float, momentum: float, weight_decay: float
) -> torch.optim.Optimizer:
    """SGD, LARS or AdamW over the trainable parameters; no weight decay on vectors (biases, batch norm)."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    if name == "lars":
        return LARS(parameters, lr, momentum=momentum, weight_decay=weight_decay)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=(momentum, 0.999))
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def cosine_schedule(step: int, steps: int, warmup: int) -> float:
    """Factor of the learning rate at `step`: linear to 1 over `warmup` steps, then half a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
