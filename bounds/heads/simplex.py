"""Euclidean projection on the probability simplex."""

from __future__ import annotations

import torch
from torch import Tensor

_CACHED = 2**19  # floats that are gone through many times while they are in cache


def project_simplex(u: Tensor) -> Tensor:
    r"""Euclidean projection of the rows of u (N, K) on the probability simplex.

    Π is 1-Lipschitz, fixes one-hot vectors and keeps the arg max. Π(u) = (u − θ)₊ with the θ at
    which the entries sum to one (Held, Wolfe and Crowder 1974); the sum is convex in θ, so Newton's method from
    below climbs to θ and ends after finitely many steps.

    Example:
        >>> import torch
        >>> from bounds.heads import project_simplex
        >>> project_simplex(torch.tensor([[0.9, 0.5], [2.0, -1.0]]))
        tensor([[0.7000, 0.3000],
                [1.0000, 0.0000]])
    """
    rows = max(1, _CACHED // max(1, u.shape[1]))
    if len(u) > rows:
        return torch.cat([project_simplex(part) for part in torch.split(u, rows)])
    below = u - u.amax(1, keepdim=True)  # differences keep their digits however large the scores are
    theta = torch.full_like(below[:, :1], -1.0)
    for _ in range(u.shape[1] + 1):
        above = (below - theta).clamp_min_(0.0)
        step = (above.sum(1, keepdim=True) - 1.0) / (above > 0).sum(1, keepdim=True)
        moved = torch.maximum(theta, theta + step)
        if torch.equal(moved, theta):
            break
        theta = moved
    return above
