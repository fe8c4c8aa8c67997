"""Least squares from a triangular factor: tall-skinny QR of [1 Z Y], min-norm and ridge heads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

from bounds.errors import InvalidOption
from bounds.heads.linear import Head

_BLOCK_FLOATS = 2**25  # rows are collected up to about 256 MB before they are factorised

_CONSTANT = (
    64 * 2.0**-52
)  # variation of a column, beside its size, that the factorisation cannot tell from none

_ONE_THREAD = 1024  # columns up to which one thread factorises


@dataclass(frozen=True)
class _Rows:
    """Rows [1, z, y] with y as class indices, or whole rows of a factor."""

    left: Tensor
    labels: Tensor | None = None

    def __len__(self) -> int:
        return len(self.left)

    def write(self, out: Tensor, dim: int) -> None:
        """Fill `out` (N, 1 + d + K)."""
        if self.labels is None:
            out.copy_(self.left)
            return
        out[:, 0] = 1.0
        out[:, 1 : 1 + dim] = self.left
        out[:, 1 + dim :] = 0.0
        out[torch.arange(len(out), device=out.device), 1 + dim + self.labels] = 1.0


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
        pending: Rows not yet factorised.

    Example:
        >>> import torch
        >>> from bounds.heads import LeastSquares
        >>> seen = LeastSquares.empty(dim=2, num_classes=2).update(2 * torch.eye(2), torch.tensor([0, 1]))
        >>> seen.rank(), seen.min_norm().weight.diag().tolist()  # Z = 2I, Y = I: W = I/2
        (2, [0.5, 0.5])
    """

    dim: int
    num_classes: int
    count: int
    factor: Tensor
    pending: tuple[_Rows, ...] = ()

    @classmethod
    def empty(cls, dim: int, num_classes: int, device: torch.device | str = "cpu") -> LeastSquares:
        """The neutral element of `merge`."""
        width = 1 + dim + num_classes
        return cls(dim, num_classes, 0, torch.zeros(0, width, dtype=torch.float64, device=device))

    def update(self, z: Tensor, labels: Tensor) -> LeastSquares:
        """Add rows z (N, d) with class indices `labels` (N,)."""
        return self._append(_Rows(z, labels.long()), len(z))

    def merge(self, other: LeastSquares) -> LeastSquares:
        """The factor of both sets of rows."""
        merged = self._append(_Rows(other.factor), other.count)
        for block in other.pending:
            merged = merged._append(block, 0)
        return merged

    def _append(self, rows: _Rows, count: int) -> LeastSquares:
        pending = (*self.pending, rows)
        grown = replace(self, pending=pending, count=self.count + count)
        width = self.factor.shape[1]
        target = min(max(_BLOCK_FLOATS // width, 2 * width), 8 * width)
        return grown.reduced() if sum(len(block) for block in pending) >= target else grown

    def reduced(self) -> LeastSquares:
        """The same summary with no pending rows."""
        if not self.pending:
            return self
        blocks = [_Rows(self.factor), *self.pending]
        width, length = self.factor.shape[1], sum(len(block) for block in blocks)
        # Column by column, as LAPACK wants it: the factorisation then works in place, without a copy.
        stacked = self.factor.new_empty((width, length)).T
        for block, end in zip(blocks, accumulate(len(block) for block in blocks), strict=True):
            block.write(stacked[end - len(block) : end], self.dim)
        if length > 1:
            rows = min(length, width)
            torch.geqrf(stacked, out=(stacked, self.factor.new_empty(rows)))
            stacked = stacked[:rows].triu()
        return replace(self, factor=stacked.contiguous(), pending=())

    def min_norm(self, rtol: float | None = None) -> Head:
        r"""W = Yᵀ Z†: the minimum-Frobenius-norm minimiser of (1/n) Σ‖W z_i − y_i‖².

        Args:
            rtol: Singular values of Z below rtol * largest count as zero; default max(1e-12, max(n, d) * eps).
        """
        return Head(_solution(self.svd, self._cut(rtol), self._targets), None, "min-norm")

    def ridge(self, penalty: float, *, intercept: bool = False) -> Head:
        r"""The minimiser of (1/n) Σ‖W z_i (+ b) − y_i‖² + λ‖W‖_F²; the intercept b is not penalised.

        Raises:
            InvalidOption: if the penalty is not positive and finite.
        """
        if not 0 < penalty < float("inf"):
            raise InvalidOption(f"The ridge penalty must be positive and finite, got {penalty}.")
        svd = self._centred_svd if intercept else self.svd
        targets = _without_mean(self._targets) if intercept else self._targets
        s = svd[1]
        weight = _solution(svd, s / (s.square() + self.count * penalty), targets)
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
        return self.svd[1][: min(self.count, self.dim)]

    def residual_norm(self, rtol: float | None = None) -> float:
        r"""‖P_Z Y‖_F, the norm of the min-norm residual, from the factor alone."""
        u, cut, targets = self.svd[0], self._cut(rtol), self._targets
        fitted = u[:, cut > 0] @ (u[:, cut > 0].T @ targets)
        below = self.reduced().factor[1 + self.dim :]
        return math.hypot(float(torch.linalg.norm(targets - fitted)), float(torch.linalg.norm(below)))

    def default_rtol(self) -> float:
        """Relative tolerance of the rank decision: max(1e-12, max(n, d) * machine epsilon)."""
        return max(1e-12, max(self.count, self.dim) * torch.finfo(torch.float64).eps)

    @property
    def mean_square_scale(self) -> float:
        """Tr Cov(z) / d: the natural unit of a ridge penalty."""
        return float(self._centred_block.square().sum()) / (max(self.count, 1) * self.dim)

    @property
    def _targets(self) -> Tensor:
        """Rows of R_Y beside those of R_Z that are not zero."""
        return self.reduced().factor[: 1 + self.dim, 1 + self.dim :]

    @cached_property
    def svd(self) -> tuple[Tensor, Tensor, Tensor]:
        """U, s, Vᵀ of R_Z, which has the singular values and right vectors of Z."""
        return _thin_svd(self.reduced().factor[: 1 + self.dim, 1 : 1 + self.dim])

    @cached_property
    def _centred_svd(self) -> tuple[Tensor, Tensor, Tensor]:
        return _thin_svd(self._centred_block)

    @property
    def _centred_block(self) -> Tensor:
        """R of Z less its column means."""
        block = self.reduced().factor[: 1 + self.dim, 1 : 1 + self.dim]
        centred = _without_mean(block)
        # What is left of a constant column is the rounding of the factorisation.
        varies = _norms(centred) > _CONSTANT * _norms(block)
        return centred * varies

    def _cut(self, rtol: float | None) -> Tensor:
        """1/s on the kept singular values, zero elsewhere."""
        s = self.svd[1]
        threshold = (self.default_rtol() if rtol is None else rtol) * (s[0] if len(s) else 0.0)
        return torch.where(s > threshold, 1.0 / s.clamp_min(torch.finfo(s.dtype).tiny), 0.0)


def _solution(svd: tuple[Tensor, Tensor, Tensor], gains: Tensor, targets: Tensor) -> Tensor:
    """W = (V diag(gains) Uᵀ targets)ᵀ."""
    u, _, vh = svd
    return (vh.T @ (gains[:, None] * (u.T @ targets))).T


def _norms(columns: Tensor) -> Tensor:
    """Norms of columns at any scale."""
    largest = (
        columns.abs().amax(0).clamp_min(torch.finfo(columns.dtype).tiny)
        if len(columns)
        else columns.new_ones(1)
    )
    norms: Tensor = torch.linalg.vector_norm(columns / largest, dim=0) * largest
    return norms


def _without_mean(rows: Tensor) -> Tensor:
    """Rows of the factor but for the first, which belongs to the constant column."""
    return torch.cat([torch.zeros_like(rows[:1]), rows[1:]])


def _thin_svd(block: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """U, s, Vᵀ. A small block takes one thread: on a busy machine threads wait for each other."""
    threads = torch.get_num_threads()
    alone = block.device.type == "cpu" and block.shape[1] <= _ONE_THREAD
    if alone:
        torch.set_num_threads(1)
    try:
        u, s, vh = torch.linalg.svd(block, full_matrices=False)
    finally:
        if alone:
            torch.set_num_threads(threads)
    return u, s, vh
