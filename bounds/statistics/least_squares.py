"""Least squares from a triangular factor: tall-skinny QR of [1 Z Y], min-norm and ridge heads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from bounds.errors import InvalidOption
from bounds.statistics.heads import Head

_BLOCK_FLOATS = 2**24  # rows are collected up to about 128 MB before they are factorised


@dataclass(frozen=True)
class LeastSquares:
    r"""All of the regression of one-hot labels Y on representations Z, in one triangular factor.

    The rows [1, z_i, y_i] are reduced to R with :math:`[1\; Z\; Y] = QR`, Q orthonormal, never formed. Then
    :math:`\|ZW^\top - Y\|_F = \|R_Z W^\top - R_Y\|_F` for every W, so heads, ranks and residuals need only R; no
    Gram matrix is formed and no condition number squared. Rows of R below the first belong to the centred data.

    Attributes:
        dim, num_classes: d and K.
        count: Number of rows seen.
        factor: (r, 1 + d + K) float64, r <= 1 + d + K.
        pending: Blocks of rows not yet factorised.
    """

    dim: int
    num_classes: int
    count: int
    factor: Tensor
    pending: tuple[Tensor, ...] = ()

    @classmethod
    def empty(cls, dim: int, num_classes: int, device: torch.device | str = "cpu") -> LeastSquares:
        """The neutral element of `merge`."""
        width = 1 + dim + num_classes
        return cls(dim, num_classes, 0, torch.zeros(0, width, dtype=torch.float64, device=device))

    def update(self, z: Tensor, labels: Tensor) -> LeastSquares:
        """Add rows z (N, d) with class indices `labels` (N,)."""
        rows = z.new_zeros((len(z), self.factor.shape[1]), dtype=torch.float64)
        rows[:, 0] = 1.0
        rows[:, 1 : 1 + self.dim] = z
        rows[torch.arange(len(z), device=z.device), 1 + self.dim + labels] = 1.0
        return self._append(rows, len(z))

    def merge(self, other: LeastSquares) -> LeastSquares:
        """The factor of both sets of rows."""
        merged = self._append(other.factor, other.count)
        for block in other.pending:
            merged = merged._append(block, 0)
        return merged

    def _append(self, rows: Tensor, count: int) -> LeastSquares:
        pending = (*self.pending, rows)
        grown = replace(self, pending=pending, count=self.count + count)
        width = self.factor.shape[1]
        target = min(max(_BLOCK_FLOATS // width, 2 * width), 8 * width)
        return grown.reduced() if sum(len(block) for block in pending) >= target else grown

    def reduced(self) -> LeastSquares:
        """The same summary with no pending rows."""
        if not self.pending:
            return self
        stacked = torch.cat([self.factor, *self.pending])
        factor = torch.linalg.qr(stacked, mode="r").R if len(stacked) > 1 else stacked
        return replace(self, factor=factor, pending=())

    def min_norm(self, rtol: float | None = None) -> Head:
        r"""W = Yᵀ Z†: the minimum-Frobenius-norm minimiser of (1/n) Σ‖W z_i − y_i‖².

        Args:
            rtol: Singular values of Z below rtol * largest count as zero; default max(1e-12, max(n, d) * eps).
        """
        return Head(self._solve(self._svd, self._cut(rtol)), None, "min-norm")

    def ridge(self, penalty: float, *, intercept: bool = False) -> Head:
        r"""The minimiser of (1/n) Σ‖W z_i (+ b) − y_i‖² + λ‖W‖_F²; the intercept b is not penalised.

        Raises:
            InvalidOption: if the penalty is not positive and finite.
        """
        if not 0 < penalty < float("inf"):
            raise InvalidOption(f"The ridge penalty must be positive and finite, got {penalty}.")
        svd = self._centred_svd if intercept else self._svd
        s = svd[1]
        weight = self._solve(svd, s / (s.square() + self.count * penalty))
        name = f"{'affine ' if intercept else ''}ridge, λ = {penalty:.3g}"
        if not intercept:
            return Head(weight, None, name)
        # The first row of R is sqrt(n) times the column means, up to a sign that cancels.
        first = self.reduced().factor[0]
        mean_z, mean_y = first[1 : 1 + self.dim] / first[0], first[1 + self.dim :] / first[0]
        return Head(weight, mean_y - weight @ mean_z, name)

    def rank(self, rtol: float | None = None) -> int:
        """Numerical rank of Z at the stated relative tolerance."""
        return int((self._cut(rtol) > 0).sum())

    @cached_property
    def singular_values(self) -> Tensor:
        """Singular values of Z, descending, (min(n, d),)."""
        return self._svd[1][: min(self.count, self.dim)]

    def residual_norm(self, rtol: float | None = None) -> float:
        r"""‖P_Z Y‖_F, the norm of the min-norm residual, from the factor alone."""
        u, cut = self._svd[0], self._cut(rtol)
        kept = u[:, cut > 0].T @ self._targets
        return float(torch.linalg.norm(self._targets - u[:, cut > 0] @ kept))

    def default_rtol(self) -> float:
        """Relative tolerance of the rank decision: max(1e-12, max(n, d) * machine epsilon)."""
        return max(1e-12, max(self.count, self.dim) * torch.finfo(torch.float64).eps)

    @property
    def mean_square_scale(self) -> float:
        """tr Cov(z) / d: the natural unit of a ridge penalty."""
        return float(self._centred_svd[1].square().sum()) / (max(self.count, 1) * self.dim)

    @property
    def _targets(self) -> Tensor:
        return self.reduced().factor[:, 1 + self.dim :]

    @cached_property
    def _svd(self) -> tuple[Tensor, Tensor, Tensor]:
        factor = self.reduced().factor
        return self._with_targets(factor[:, 1 : 1 + self.dim])

    @cached_property
    def _centred_svd(self) -> tuple[Tensor, Tensor, Tensor]:
        factor = self.reduced().factor.clone()
        factor[0] = 0.0
        return self._with_targets(factor[:, 1 : 1 + self.dim])

    @staticmethod
    def _with_targets(block: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, s, vh = torch.linalg.svd(block, full_matrices=False)
        return u, s, vh

    def _cut(self, rtol: float | None) -> Tensor:
        """1/s on the kept singular values, zero elsewhere."""
        s = self._svd[1]
        threshold = (self.default_rtol() if rtol is None else rtol) * (s[0] if len(s) else 0.0)
        return torch.where(s > threshold, 1.0 / s.clamp_min(torch.finfo(s.dtype).tiny), 0.0)

    def _solve(self, svd: tuple[Tensor, Tensor, Tensor], gains: Tensor) -> Tensor:
        u, _, vh = svd
        targets = self._targets
        if svd is self._centred_svd:
            targets = torch.cat([torch.zeros_like(targets[:1]), targets[1:]])
        return (vh.T @ (gains[:, None] * (u.T @ targets))).T
