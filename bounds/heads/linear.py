"""Linear heads: an affine map from representations to class scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from bounds.errors import NotApplicable
from bounds.heads.fitted import FittedHead


@dataclass(frozen=True)
class Head(FittedHead):
    """A linear or affine map z -> W z + b.

    Attributes:
        weight: W, (K, d).
        bias: b, (K,), or None.
        name: A key of `report.measured`.

    Example:
        >>> import torch
        >>> from bounds.heads import Head
        >>> head = Head(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), None, "W")
        >>> head(torch.tensor([[3.0, 1.0]])), round(head.spectral_norm, 3), round(head.frobenius_norm**2, 3)
        (tensor([[3., 2.]]), 2.0, 5.0)
    """

    weight: Tensor
    bias: Tensor | None
    name: str

    def __call__(self, z: Tensor) -> Tensor:
        """Outputs (N, K) for rows z (N, d)."""
        own, weight, bias = self._distinct
        scores = z @ weight.T
        if bias is not None:
            scores = scores + bias
        return scores if own is None else scores[:, own]

    def renamed(self, name: str) -> Head:
        """The same map under another name."""
        return replace(self, name=name)

    def to(self, device: torch.device | str) -> Head:
        """The same map on a device."""
        bias = None if self.bias is None else self.bias.to(device)
        return replace(self, weight=self.weight.to(device).contiguous(), bias=bias)

    @cached_property
    def _distinct(self) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """Equal rows of (W, b) once, and where each class finds its own: products of equal rows need not be equal."""
        joined = self.weight if self.bias is None else torch.cat([self.weight, self.bias[:, None]], 1)
        different, own = torch.unique(joined, dim=0, return_inverse=True)
        if len(different) == len(joined):
            return None, self.weight, self.bias
        if self.bias is None:
            return own, different, None
        return own, different[:, :-1], different[:, -1]

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


def require_affine(head: FittedHead) -> Head:
    """The head, if it is a linear map, with or without an intercept.

    Raises:
        NotApplicable: for any other head.
    """
    if not isinstance(head, Head):
        raise NotApplicable(f"speaks about linear heads, and the head here is {head.name}.")
    return head


def require_linear(head: FittedHead) -> Head:
    """The head, if it is a linear map without intercept.

    Raises:
        NotApplicable: for any other head.
    """
    head = require_affine(head)
    if head.bias is not None:
        raise NotApplicable(f"speaks about linear heads without intercept, and the head here is {head.name}.")
    return head


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
