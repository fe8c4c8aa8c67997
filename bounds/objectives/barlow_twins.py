"""Barlow Twins: the cross-correlation of two views is the identity."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.objectives.base import Objective, check_positive, check_weights


class BarlowTwins(Objective):
    r"""Redundancy reduction on the cross-correlation of the two views over the batch.

    .. math:: \sum_j (1 - C_{jj})^2 + \lambda \sum_{j \ne k} C_{jk}^2, \quad
        C_{jk} = \frac1N \sum_i \hat z_{ij} \hat z'_{ik}

    ẑ are the columns centred and divided by √(Var + ε), Var over N (not N − 1). Invariant to the scale and
    offset of every coordinate, up to ε. Parts: `invariance` (diagonal), `redundancy`.

    Args:
        redundancy: λ.
        eps: ε, added to the variance.

    Raises:
        InvalidOption: a negative weight or `eps` not positive.

    Reference:
        Zbontar, Jing, Misra, LeCun, Deny, "Barlow Twins", ICML 2021, equations (1), (2), arXiv:2103.03230.

    Example:
        >>> import torch
        >>> from bounds.objectives import BarlowTwins
        >>> z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        >>> round(float(BarlowTwins()(z, z)), 6), round(float(BarlowTwins()(z, -z)), 2)  # C = I, C = −I
        (0.0, 8.0)
    """

    def __init__(self, redundancy: float = 0.0051, *, eps: float = 1e-5) -> None:
        super().__init__()
        check_weights(redundancy=redundancy)
        check_positive(eps=eps)
        self.redundancy, self.eps = redundancy, eps

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """The diagonal's distance from one, and the weighted squares off the diagonal."""
        correlation = self._standardise(z1).T @ self._standardise(z2) / z1.shape[0]
        diagonal = correlation.diagonal()
        return {
            "invariance": (1 - diagonal).square().sum(),
            "redundancy": self.redundancy * (correlation - torch.diag(diagonal)).square().sum(),
        }

    def _standardise(self, z: Tensor) -> Tensor:
        centred = z - z.mean(dim=0)
        return centred / (centred.square().mean(dim=0) + self.eps).sqrt()
