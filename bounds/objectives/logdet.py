"""Invariance plus the LogDet entropy: VICReg-style (squared distance) and BYOL-style (predicted target)."""

from __future__ import annotations

from torch import Tensor

from bounds.objectives.base import Objective, check_positive, check_weights, directions
from bounds.objectives.byol import BYOL
from bounds.objectives.entropy import logdet_entropy
from bounds.objectives.vicreg import squared_distance


class VICRegLogDet(Objective):
    r"""VICReg's invariance, with the LogDet entropy where VICReg has its variance and covariance terms.

    .. math:: \lambda\, s(Z, Z') - \frac{\mu}{2d} [H(Z) + H(Z')], \quad
        H = \tfrac12 \ln\det(2\pi e\,(\Sigma_Z + \epsilon I))

    s as in `VICReg`, per coordinate, and so is the entropy, so that the weights do not depend on d. The two
    balance: s grows as the square of the scale and H as its logarithm, so no hinge is needed. Parts:
    `invariance`, `entropy`.

    Args:
        invariance: λ.
        entropy: μ.
        eps: ε, in squared units of the embedding.

    Raises:
        InvalidOption: a negative weight or `eps` not positive.

    Reference:
        Shwartz-Ziv, Balestriero, Kawaguchi, Rudner, LeCun, "An Information-Theoretic Perspective on
        Variance-Invariance-Covariance Regularization", NeurIPS 2023, the objectives with other entropy
        estimators, arXiv:2303.00633; the entropy: `logdet_entropy`.

    Example:
        >>> import torch
        >>> from bounds.objectives import VICRegLogDet
        >>> z = torch.tensor([[1.0], [0.0], [-1.0]])  # variance 1: the entropy is (1/2) ln(2πe (1 + ε))
        >>> round(float(VICRegLogDet(entropy=1.0)(z, z)), 3)
        -1.419
    """

    def __init__(self, invariance: float = 25.0, entropy: float = 25.0, *, eps: float = 1e-3) -> None:
        super().__init__()
        check_weights(invariance=invariance, entropy=entropy)
        check_positive(eps=eps)
        self.invariance, self.entropy, self.eps = invariance, entropy, eps

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """λ s and −(μ/2d)(H + H')."""
        entropy = logdet_entropy(z1, eps=self.eps) + logdet_entropy(z2, eps=self.eps)
        return {
            "invariance": self.invariance * squared_distance(z1, z2),
            "entropy": -self.entropy / (2 * z1.shape[1]) * entropy,
        }


class BYOLLogDet(BYOL):
    r"""BYOL's invariance and the LogDet entropy of the online embeddings.

    .. math:: \mathrm{BYOL}(Z, Z') - \frac{\mu}{2d} [H(Z) + H(Z')]

    H as in `VICRegLogDet`, of the rows brought to norm √d (so that a coordinate has variance about one),
    since the invariance does not see their norm. Parts: `invariance`, `entropy`.

    Args:
        dim: Dimension d of the embeddings.
        entropy: μ.
        hidden: Width of the predictor's hidden layer; 4 d where None.
        eps: ε.

    Raises:
        InvalidOption: a size below one, a negative weight or `eps` not positive.
        InvalidData: embeddings of another dimension.

    Reference:
        As `VICRegLogDet`, the invariance of `BYOL`.

    Example:
        >>> import torch
        >>> from bounds.objectives import BYOLLogDet
        >>> sorted(BYOLLogDet(dim=2).parts(torch.eye(2), torch.eye(2)))
        ['entropy', 'invariance']
    """

    def __init__(
        self, dim: int = 128, *, entropy: float = 1.0, hidden: int | None = None, eps: float = 1e-3
    ) -> None:
        super().__init__(dim, hidden=hidden)
        check_weights(entropy=entropy)
        check_positive(eps=eps)
        self.entropy, self.eps = entropy, eps

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """BYOL's term and −(μ/2d)(H + H')."""
        first, second = (logdet_entropy(self.dim**0.5 * directions(z), eps=self.eps) for z in (z1, z2))
        return super().terms(z1, z2, target1, target2) | {
            "entropy": -self.entropy / (2 * self.dim) * (first + second)
        }
