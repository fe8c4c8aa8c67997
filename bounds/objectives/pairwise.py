"""Invariance plus the pairwise-distance entropy: VICReg-style (squared distance), BYOL-style (prediction)."""

from __future__ import annotations

from torch import Tensor

from bounds.objectives.base import Objective, check_positive, check_weights, directions
from bounds.objectives.byol import BYOL
from bounds.objectives.entropy import pairwise_spread as spread
from bounds.objectives.vicreg import squared_distance


class VICRegPairwise(Objective):
    r"""VICReg's invariance, with a pairwise-distance entropy for its variance and covariance terms.

    .. math:: \lambda\, s(Z, Z') - \frac{\mu}{2} [H(Z) + H(Z')]

    s as in `VICReg`; H is `pairwise_entropy` with component width σ, less its constant (the entropy of one
    component), so it lies in [0, ln N]. σ sets the scale of the embedding. Parts: `invariance`, `entropy`.

    Args:
        invariance: λ.
        entropy: μ.
        sigma: σ; where None √d / 4, so that two independent points of unit variance in every coordinate have
            exponent −4 in the mean.

    Raises:
        InvalidOption: a negative weight or `sigma` not positive.

    Reference:
        Shwartz-Ziv, Balestriero, Kawaguchi, Rudner, LeCun, "An Information-Theoretic Perspective on
        Variance-Invariance-Covariance Regularization", NeurIPS 2023, the objectives with other entropy
        estimators, arXiv:2303.00633; the entropy: Kolchinsky, Tracey 2017, arXiv:1706.02419.

    Example:
        >>> import torch
        >>> from bounds.objectives import VICRegPairwise
        >>> z = torch.tensor([[0.0], [100.0]])  # far apart: entropy ln 2
        >>> round(float(VICRegPairwise(entropy=1.0)(z, z)), 3)
        -0.693
    """

    def __init__(
        self, invariance: float = 25.0, entropy: float = 25.0, *, sigma: float | None = None
    ) -> None:
        super().__init__()
        check_weights(invariance=invariance, entropy=entropy)
        if sigma is not None:
            check_positive(sigma=sigma)
        self.invariance, self.entropy, self.sigma = invariance, entropy, sigma

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """λ s and −(μ/2)(H + H')."""
        sigma = z1.shape[1] ** 0.5 / 4 if self.sigma is None else self.sigma
        return {
            "invariance": self.invariance * squared_distance(z1, z2),
            "entropy": -self.entropy / 2 * (spread(z1, sigma) + spread(z2, sigma)),
        }


class BYOLPairwise(BYOL):
    r"""BYOL's invariance and the pairwise entropy of the online embeddings, brought to norm one.

    .. math:: \mathrm{BYOL}(Z, Z') - \frac{\mu}{2} [H(Z) + H(Z')]

    Parts: `invariance`, `entropy`. On the sphere ‖z_i − z_j‖²/(8σ²) = (1 − cos)/(4σ²): the entropy is
    NT-Xent's log-sum
    at temperature 4σ², without the other view.

    Args:
        dim: Dimension d of the embeddings.
        entropy: μ.
        hidden: Width of the predictor's hidden layer; 4 d where None.
        sigma: σ, on the unit sphere.

    Raises:
        InvalidOption: a size below one, a negative weight or `sigma` not positive.
        InvalidData: embeddings of another dimension.

    Reference:
        As `VICRegPairwise`, the invariance of `BYOL`.

    Example:
        >>> import torch
        >>> from bounds.objectives import BYOLPairwise
        >>> sorted(BYOLPairwise(dim=2).parts(torch.eye(2), torch.eye(2)))
        ['entropy', 'invariance']
    """

    def __init__(
        self, dim: int = 128, *, entropy: float = 1.0, hidden: int | None = None, sigma: float = 0.25
    ) -> None:
        super().__init__(dim, hidden=hidden)
        check_weights(entropy=entropy)
        check_positive(sigma=sigma)
        self.entropy, self.sigma = entropy, sigma

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        """BYOL's term and −(μ/2)(H + H')."""
        first, second = (spread(directions(z), self.sigma) for z in (z1, z2))
        return super().terms(z1, z2, target1, target2) | {"entropy": -self.entropy / 2 * (first + second)}
