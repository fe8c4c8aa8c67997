"""BYOL: predict the other view's embedding by a slowly moving copy of the encoder."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from bounds.errors import InvalidData, InvalidOption
from bounds.objectives.base import Objective, directions


class BYOL(Objective):
    r"""Normalised prediction of a target that carries no gradient, both ways.

    .. math:: \frac1N\sum_i [2 - 2\cos(q(z_i), \bar z'_i)] + [2 - 2\cos(q(z'_i), \bar z_i)]

    q is a two-layer perceptron with batch norm, owned by this module; z̄ are the embeddings by the moving
    average of the encoder (`target1`, `target2`); where they are not given, z itself, detached. Between 0
    and 8. Part: `invariance`.

    Args:
        dim: Dimension d of the embeddings.
        hidden: Width of the predictor's hidden layer; 4 d where None.

    Raises:
        InvalidOption: a size below one.
        InvalidData: embeddings of another dimension.

    Reference:
        Grill et al., "Bootstrap your own latent", NeurIPS 2020, equation (2), arXiv:2006.07733.

    Example:
        >>> import torch
        >>> from bounds.objectives import BYOL
        >>> objective = BYOL(dim=2)
        >>> objective.uses_target, 0 <= objective(torch.eye(2), torch.eye(2)).item() <= 8
        (True, True)
    """

    uses_target: ClassVar[bool] = True

    def __init__(self, dim: int = 128, *, hidden: int | None = None) -> None:
        super().__init__()
        self.dim = dim
        self.predictor = predictor(dim, 4 * dim if hidden is None else hidden)

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """The two squared distances between normalised prediction and target."""
        cosine = self.cosine(z1, target2) + self.cosine(z2, target1)
        return {"invariance": 4 - 2 * cosine}

    def cosine(self, z: Tensor, target: Tensor) -> Tensor:
        """(1/N) Σ cos(q(z_i), target_i), no gradient into the target."""
        if z.shape[1] != self.dim:
            raise InvalidData(
                f"The predictor was made for embeddings of dimension {self.dim}, got {z.shape[1]}; "
                f"give `dim={z.shape[1]}`."
            )
        predicted = self.predictor.to(z.dtype)(z)
        return (directions(predicted) * directions(target.detach())).sum(dim=1).mean()


def predictor(dim: int, hidden: int) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear: d -> hidden -> d."""
    if dim < 1 or hidden < 1:
        raise InvalidOption(f"`dim` and `hidden` must be positive, got {dim} and {hidden}.")
    return nn.Sequential(
        nn.Linear(dim, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, dim),
    )
