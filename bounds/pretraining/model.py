"""Encoder, projector, objective and, where the objective wants one, the moving average of the first two."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bounds.objectives.base import Objective
from bounds.objectives.partial_labels import PartiallyLabeledVICReg


class SelfSupervised(nn.Module):
    """Two views -> the parts of the loss; one module, so that one wrapper makes it data-parallel.

    Args:
        encoder: Images -> (N, dim), with an attribute `dim`.
        widths: Of the projector's layers.
        objective: The loss on its outputs.
    """

    def __init__(self, encoder: nn.Module, widths: Sequence[int], objective: Objective) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = make_projector(int(encoder.dim), widths)  # type: ignore[arg-type]
        self.objective = objective
        self.target = nn.Sequential(encoder, self.projector) if objective.uses_target else None
        if self.target is not None:
            self.target = copy.deepcopy(self.target).requires_grad_(False)

    def forward(
        self, x1: Tensor, x2: Tensor, labels: Tensor | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Weighted parts of the loss, and the first views' embeddings, detached."""
        both = torch.cat([x1, x2])
        z1, z2 = self.projector(self.encoder(both)).chunk(2)
        if isinstance(self.objective, PartiallyLabeledVICReg) and labels is not None:
            return self.objective.parts(z1, z2, labels), z1.detach()
        targets: tuple[Tensor, ...] = ()
        if self.target is not None:
            with torch.no_grad():
                targets = self.target(both).chunk(2)
        return self.objective.parts(z1, z2, *targets), z1.detach()

    @torch.no_grad()
    def follow(self, first_momentum: float, progress: float) -> None:
        """Move the target towards the online weights; the momentum rises to one on a cosine (BYOL)."""
        if self.target is not None:
            step = (1 - first_momentum) * (1 + math.cos(math.pi * progress)) / 2
            online = [*self.encoder.parameters(), *self.projector.parameters()]
            for slow, fast in zip(self.target.parameters(), online, strict=True):
                slow.lerp_(fast, step)


def make_projector(dim: int, widths: Sequence[int]) -> nn.Sequential:
    """Linear layers of these widths, batch norm and ReLU between them."""
    layers = nn.Sequential()
    for width in widths[:-1]:
        layers.extend((nn.Linear(dim, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(inplace=True)))
        dim = width
    return layers.append(nn.Linear(dim, widths[-1]))
