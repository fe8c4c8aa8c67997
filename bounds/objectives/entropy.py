"""Differentiable entropies of a batch of embeddings, in nats: LogDet and the pairwise lower bound."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_LN_2PI_E = math.log(2 * math.pi * math.e)


def logdet_entropy(z: Tensor, *, eps: float = 1e-3) -> Tensor:
    r"""Entropy of the Gaussian with the batch's covariance.

    .. math:: \tfrac12 \ln\det(2\pi e\,(\Sigma_Z + \epsilon I))

    The largest entropy any distribution with that covariance has. ε keeps it finite where N ≤ d or a
    direction has collapsed; it acts as Gaussian noise of variance ε added to the embedding.

    Args:
        z: (N, d), N ≥ 2.
        eps: ε, in squared units of z.

    Returns:
        A scalar, nats.

    Reference:
        Zhouyin, Liu, "Understanding neural networks with logarithm determinant entropy estimator",
        arXiv:2105.03705.

    Example:
        >>> import torch
        >>> from bounds.objectives import logdet_entropy
        >>> round(float(logdet_entropy(torch.tensor([[1.0], [0.0], [-1.0]]), eps=1e-9)), 3)  # (1/2) ln(2πe)
        1.419
    """
    n, d = z.shape
    # In float64, and of the smaller Gram matrix: float32 loses ε beside the variances, and with it definiteness.
    centred = z.double() - z.double().mean(dim=0)
    gram = (centred.T @ centred if d <= n else centred @ centred.T) / (n - 1)
    gram = gram + eps * torch.eye(len(gram), dtype=gram.dtype, device=z.device)
    half = torch.linalg.cholesky(gram).diagonal().log().sum() + max(d - n, 0) / 2 * math.log(eps)
    entropy: Tensor = (half + d / 2 * _LN_2PI_E).to(z.dtype)
    return entropy


def pairwise_entropy(z: Tensor, sigma: float) -> Tensor:
    r"""Lower bound on the entropy of the mixture of the N(z_i, σ²I), from Bhattacharyya distances.

    .. math:: \tfrac d2 \ln(2\pi e \sigma^2) - \frac1N \sum_i \ln \frac1N
        \sum_j e^{-\|z_i - z_j\|^2 / (8\sigma^2)}

    Lies between the entropy of one component and that plus ln N, and saturates there once points are several
    σ apart.

    Args:
        z: (N, d).
        sigma: σ, in units of z.

    Returns:
        A scalar, nats.

    Reference:
        Kolchinsky, Tracey, "Estimating mixture entropy with pairwise distances", Entropy 2017, equations
        (10), (13) (Chernoff-α at α = ½), arXiv:1706.02419.

    Example:
        >>> import torch
        >>> from bounds.objectives import pairwise_entropy
        >>> round(float(pairwise_entropy(torch.tensor([[0.0], [100.0]]), sigma=1.0)), 3)  # (1/2) ln(2πe) + ln 2
        2.112
    """
    d = z.shape[1]
    component = d / 2 * (_LN_2PI_E + 2 * math.log(sigma))
    return component + pairwise_spread(z, sigma)


def pairwise_spread(z: Tensor, sigma: float) -> Tensor:
    """`pairwise_entropy` less the entropy of one component: between 0 (all points coincide) and ln N."""
    n = z.shape[0]
    # ‖z_i − z_j‖² from inner products of centred rows: cdist's gradient is NaN where two rows coincide. In float64, as
    # the distances of near rows are what counts; a row lies at no distance from itself.
    centred = (z.double() - z.double().mean(dim=0)) / (math.sqrt(8) * sigma)
    norms = centred.square().sum(dim=1)
    squared = (norms[:, None] + norms[None, :] - 2 * centred @ centred.T).clamp_min(0)
    squared = squared * (1 - torch.eye(n, dtype=squared.dtype, device=z.device))
    spread: Tensor = (math.log(n) - (-squared).logsumexp(dim=1).mean()).to(z.dtype)
    return spread
