"""VICReg: invariance of two views, variance of every coordinate, no covariance between coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.objectives.base import Objective, check_positive, check_weights


class VICReg(Objective):
    r"""Variance-invariance-covariance regularisation.

    .. math:: \lambda\, s(Z,Z') + \tfrac{\mu}{2} [v(Z) + v(Z')] + \nu\, [c(Z) + c(Z')]

    s = (1/Nd) Σ ‖z_i − z'_i‖²; v(Z) = (1/d) Σ_j max(0, γ − √(Var(z^j) + ε)); c(Z) = (1/d) Σ_{j≠k}
    Cov(Z)²_jk, with the unbiased variance and covariance (N − 1).

    The paper prints s without 1/d and v without ½; the default weights 25, 25, 1 belong to the authors'
    program, which has both, and so do public implementations. Parts: `invariance`, `variance`, `covariance`,
    weighted.

    Args:
        invariance: λ.
        variance: μ.
        covariance: ν.
        gamma: γ, the standard deviation to reach; in the unit of the embedding.
        eps: ε, under the root.

    Raises:
        InvalidOption: a negative weight, or `gamma` or `eps` not positive.

    Reference:
        Bardes, Ponce, LeCun, "VICReg", ICLR 2022, equations (1) to (6), arXiv:2105.04906.

    Example:
        >>> import torch
        >>> from bounds.objectives import VICReg
        >>> z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> round(float(VICReg()(z, z)), 3)
        4.586
    """

    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        *,
        gamma: float = 1.0,
        eps: float = 1e-4,
    ) -> None:
        super().__init__()
        check_weights(invariance=invariance, variance=variance, covariance=covariance)
        check_positive(gamma=gamma, eps=eps)
        self.invariance, self.variance, self.covariance = invariance, variance, covariance
        self.gamma, self.eps = gamma, eps

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """λ s, (μ/2)(v + v'), ν(c + c')."""
        first, second = _covariance(z1), _covariance(z2)
        return {
            "invariance": self.invariance * squared_distance(z1, z2),
            "variance": self.variance / 2 * (self._hinge(first) + self._hinge(second)),
            "covariance": self.covariance * (_off_diagonal(first) + _off_diagonal(second)),
        }

    def _hinge(self, covariance: Tensor) -> Tensor:
        return torch.relu(self.gamma - (covariance.diagonal() + self.eps).sqrt()).mean()


def squared_distance(z1: Tensor, z2: Tensor) -> Tensor:
    """(1/Nd) Σ_i ‖z1_i − z2_i‖²."""
    return (z1 - z2).square().mean()


def _covariance(z: Tensor) -> Tensor:
    centred = z - z.mean(dim=0)
    return centred.T @ centred / (z.shape[0] - 1)


def _off_diagonal(covariance: Tensor) -> Tensor:
    d = covariance.shape[0]
    return (covariance - torch.diag(covariance.diagonal())).square().sum() / d
