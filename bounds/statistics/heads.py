"""Linear heads, the simplex projection, and the losses of a head on a stream of labeled vectors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from bounds.statistics.moments import Moments

_CACHED = 2**19  # floats that are gone through many times while they are in cache


@dataclass(frozen=True)
class Head:
    """A linear or affine map z -> W z + b, W (K, d), b (K,) or None."""

    weight: Tensor
    bias: Tensor | None
    name: str

    def __call__(self, z: Tensor) -> Tensor:
        """Outputs (N, K) for rows z (N, d)."""
        scores = z @ self.weight.T
        return scores if self.bias is None else scores + self.bias

    @cached_property
    def lens(self) -> Tensor:
        """A matrix A of at most d rows with ‖A z‖ = ‖W z‖ for every z: W, or its triangular factor when K > d."""
        tall = len(self.weight) > self.weight.shape[1]
        return torch.linalg.qr(self.weight, mode="r").R if tall else self.weight

    @cached_property
    def spectral_norm(self) -> float:
        """‖W‖₂ of the linear part."""
        return spectral_norm(self.weight)

    @cached_property
    def frobenius_norm(self) -> float:
        """‖W‖_F of the linear part."""
        return float(torch.linalg.matrix_norm(self.weight))


def spectral_norm(matrix: Tensor) -> float:
    """‖A‖₂ from the smaller Gram matrix, never below the true one.

    Squaring costs the small singular values their digits, not the largest: with u = 2⁻⁵³ the product is off by at most
    (p + 1)u‖A‖_F² in norm, p the length of its sums (Higham 2002, §3.5), and the eigenvalues by at most a few k·u‖A‖_F²
    more, k their number. (p + 10k)u‖A‖_F² is added, about 10⁻⁹ of the square at most up to p = k = 1000.
    """
    scale = float(matrix.abs().max())
    if scale == 0.0:
        return 0.0
    scaled = matrix / scale  # squares neither over- nor underflow
    gram = scaled @ scaled.T if len(matrix) <= matrix.shape[1] else scaled.T @ scaled
    rounding = (max(matrix.shape) + 10 * len(gram)) * 2.0**-53 * float(gram.trace())
    return scale * math.sqrt(float(torch.linalg.eigvalsh(gram)[-1]) + rounding)


def project_simplex(u: Tensor) -> Tensor:
    r"""Euclidean projection of the rows of u (N, K) on the probability simplex.

    Π is 1-Lipschitz, fixes one-hot vectors and keeps the arg max (theory: K1). Π(u) = (u − θ)₊ with the θ at
    which the entries sum to one (Held, Wolfe and Crowder 1974); the sum is convex in θ, so Newton's method from
    below climbs to θ and ends after finitely many steps.
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


@dataclass(frozen=True)
class HeadLosses:
    """Losses of one head over labeled vectors; columns of `moments` in the order of the properties.

    The arg max breaks ties against the head: a tied score counts as an error, so that a collapsed
    representation is never called correct by the order of its classes.
    """

    moments: Moments

    @classmethod
    def of(cls, head: Head, chunks: Iterable[tuple[Tensor, Tensor]]) -> HeadLosses:
        """Stream chunks of (z (N, d), labels (N,)) through the head."""
        return cls.of_many([head], chunks)[0]

    @classmethod
    def of_many(cls, heads: Sequence[Head], chunks: Iterable[tuple[Tensor, Tensor]]) -> list[HeadLosses]:
        """The same for several heads in one pass over the chunks."""
        totals = [Moments.empty(4) for _ in heads]
        for z, labels in chunks:
            for j, head in enumerate(heads):
                totals[j] = totals[j].update(item_losses(head(z), labels).cpu())
        return [cls(total) for total in totals]

    def merge(self, other: HeadLosses) -> HeadLosses:
        """Losses over both streams."""
        return HeadLosses(self.moments.merge(other.moments))

    @property
    def count(self) -> int:
        """Number of items N."""
        return self.moments.count

    @property
    def mean_residual(self) -> float:
        """(1/N) Σ‖W z_i − y_i‖."""
        return float(self.moments.mean[0])

    @property
    def rms_residual(self) -> float:
        """sqrt((1/N) Σ‖W z_i − y_i‖²); N times its square is the squared Frobenius norm of the residual."""
        return float(self.moments.root_mean_square[0])

    @property
    def projected_residual(self) -> float:
        """(1/N) Σ‖Π(W z_i) − y_i‖."""
        return float(self.moments.mean[1])

    @property
    def mean_square(self) -> float:
        """(1/N) Σ‖W z_i − y_i‖²."""
        return float(self.moments.mean[2])

    @property
    def error(self) -> float:
        """Share of items whose largest score is not strictly that of their class."""
        return float(self.moments.mean[3])

    @property
    def mistakes(self) -> int:
        """Number of errors."""
        return round(self.error * self.count)


def item_losses(scores: Tensor, labels: Tensor) -> Tensor:
    """Residual, projected residual, squared residual, and 1 for an error, of each item, (N, 4)."""
    own, minus_one = labels[:, None], scores.new_full((len(scores), 1), -1.0)
    residual = torch.linalg.vector_norm(scores.scatter_add(1, own, minus_one), dim=1)
    projected = torch.linalg.vector_norm(project_simplex(scores).scatter_add_(1, own, minus_one), dim=1)
    rivals = scores.scatter(1, own, -torch.inf).amax(1)
    wrong = scores.gather(1, own).squeeze(1) <= rivals
    return torch.stack([residual, projected, residual.square(), wrong.double()], dim=1)
