"""SimSiam: predict the other view's embedding by the same encoder, with the gradient stopped."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from bounds.objectives.byol import BYOL


class SimSiam(BYOL):
    r"""Negative cosine similarity between a prediction and the other view, gradient stopped, both ways.

    .. math:: -\frac{1}{2N}\sum_i [\cos(q(z_i), \mathrm{sg}(z'_i)) + \cos(q(z'_i), \mathrm{sg}(z_i))]

    Between −1 and 1. Part: `invariance`.

    Args:
        dim: Dimension d of the embeddings.
        hidden: Width of the predictor's hidden layer, a bottleneck; d/4 where None.

    Raises:
        InvalidOption: a size below one.
        InvalidData: embeddings of another dimension.

    Reference:
        Chen, He, "Exploring simple Siamese representation learning", CVPR 2021, equations (1) to (4),
        arXiv:2011.10566.

    Example:
        >>> import torch
        >>> from bounds.objectives import SimSiam
        >>> -1 <= SimSiam(dim=4)(torch.eye(4), torch.eye(4)).item() <= 1
        True
    """

    uses_target: ClassVar[bool] = False

    def __init__(self, dim: int = 128, *, hidden: int | None = None) -> None:
        super().__init__(dim, hidden=max(1, dim // 4) if hidden is None else hidden)

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """Minus half the two cosines."""
        return {"invariance": -(self.cosine(z1, z2) + self.cosine(z2, z1)) / 2}
