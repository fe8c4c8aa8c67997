"""What every objective shares: the loss is the sum of its named parts, over all ranks, in full precision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bounds.arguments import shown
from bounds.errors import InvalidData, InvalidOption
from bounds.objectives.gather import gather


class Objective(nn.Module, ABC):
    """A loss on two embeddings (N, d) of the same N items; subclasses write `terms`.

    Attributes:
        uses_target: Whether `forward` profits from the embeddings of a slowly moving copy of the encoder
            (BYOL).

    Example:
        >>> import torch
        >>> from bounds.objectives import Objective, VICReg
        >>> objective: Objective = VICReg()
        >>> sorted(objective.parts(torch.eye(2), torch.eye(2)))
        ['covariance', 'invariance', 'variance']
    """

    uses_target: ClassVar[bool] = False

    def forward(
        self, z1: Tensor, z2: Tensor, target1: Tensor | None = None, target2: Tensor | None = None
    ) -> Tensor:
        """The scalar loss: the sum of `parts`."""
        return torch.stack(list(self.parts(z1, z2, target1, target2).values())).sum()

    def parts(
        self, z1: Tensor, z2: Tensor, target1: Tensor | None = None, target2: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The weighted terms by name, for logging; they add up to the loss.

        Args:
            z1: Embeddings of the first views, (N, d), N ≥ 2.
            z2: Embeddings of the second views, same shape.
            target1: What `z2` is to predict; `z1` itself where None. Used where `uses_target`, never
                differentiated.
            target2: What `z1` is to predict; `z2` itself where None.

        Raises:
            InvalidData: shapes that differ, or fewer than two rows.
        """
        target1, target2 = (z1 if target1 is None else target1), (z2 if target2 is None else target2)
        check_pair(z1, z2)
        check_pair(target1, target2, like=z1)
        with torch.autocast(z1.device.type, enabled=False):  # statistics of a batch need more than 8 bits
            z1, z2 = gather(full_precision(z1)), gather(full_precision(z2))
            if not self.uses_target:
                return self.terms(z1, z2, z1, z2)
            t1, t2 = (gather(full_precision(t.detach())) for t in (target1, target2))
            return self.terms(z1, z2, t1, t2)

    def describe(self) -> str:
        """Name and options, as kept in the metadata of checkpoints: `VICReg(covariance=1.0, ...)`."""
        options = sorted((k, v) for k, v in vars(self).items() if isinstance(v, int | float | None))
        shown = ", ".join(f"{k}={v}" for k, v in options if k != "training" and not k.startswith("_"))
        return f"{type(self).__name__}({shown})"

    @abstractmethod
    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """The weighted terms, on checked and gathered embeddings; targets carry no gradient."""


def full_precision(z: Tensor) -> Tensor:
    """float32, or float64 where it is that already."""
    return z if z.dtype == torch.float64 else z.float()


def directions(z: Tensor) -> Tensor:
    """Rows divided by their norm, at any scale that their type holds; rows of zeros stay zero.

    The first division, by the largest entry, keeps squares from over- and underflowing; directions do not depend on
    it, so that it needs no gradient.
    """
    largest = z.detach().abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(z.dtype).tiny)
    return F.normalize(z / largest)


def check_pair(z1: Tensor, z2: Tensor, *, like: Tensor | None = None) -> None:
    """Refuse embeddings that are not two (N, d) of the same shape with N ≥ 2."""
    shape = tuple(z1.shape if like is None else like.shape)
    if z1.ndim != 2 or {tuple(z1.shape), tuple(z2.shape)} != {shape}:
        raise InvalidData(
            f"Embeddings must be (N, d) of one shape, {shape}, got {tuple(z1.shape)} and {tuple(z2.shape)}."
        )
    if shape[0] < 2:
        raise InvalidData(
            "Embeddings must have at least two rows: an objective compares the items of a batch."
        )


def check_positive(**values: float) -> None:
    """Refuse options that must be positive and are not."""
    for name, value in values.items():
        if not 0 < value < float("inf"):
            raise InvalidOption(f"`{name}` must be positive and finite, got {shown(value)}.")


def check_weights(**values: float) -> None:
    """Refuse weights that are negative or not finite."""
    for name, value in values.items():
        if not 0 <= value < float("inf"):
            raise InvalidOption(f"`{name}` must be a finite weight of at least 0, got {shown(value)}.")
