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
    """
    n, d = z.shape
    centred = z - z.mean(dim=0)
    covariance = centred.T @ centred / (n - 1) + eps * torch.eye(d, dtype=z.dtype, device=z.device)
    half: Tensor = torch.linalg.cholesky(covariance).diagonal().log().sum()
    return half + d / 2 * _LN_2PI_E


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
    """
    n, d = z.shape
    # ‖z_i − z_j‖² from inner products of centred rows: cdist's gradient is NaN where two rows coincide.
    centred = z - z.mean(dim=0)
    norms = centred.square().sum(dim=1)
    squared = (norms[:, None] + norms[None, :] - 2 * centred @ centred.T).clamp_min(0)
    component = d / 2 * (_LN_2PI_E + 2 * math.log(sigma))
    return component - (-squared / (8 * sigma**2)).logsumexp(dim=1).mean() + math.log(n)
