"""All-pairs contrastive losses: every ordered pair of items, in one pass over blocks of similarities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bounds.errors import InvalidOption, InvalidStatistics
from bounds.evidence.distributed import all_merge
from bounds.processes import ALONE, Processes
from bounds.representations.table import Representations
from bounds.summaries.totals import Totals

_EXPONENT = 40.0  # s²B² beyond this leaves the range of float32
_EXACT_UP_TO = 8192  # items up to which float64 products cost little


@dataclass(frozen=True)
class AllPairs:
    """Means over the m(m − 1) ordered pairs (i, j), i ≠ j, of ℓ(s² v_ij).

    v_ij = f(x_i⁺)ᵀ(f(x_i⁺⁺) − f(x_j⁺)): the negative is the first view of another item.

    Attributes:
        count: Number of items m.
        scales: The s, as f ↦ s·f turns v into s²v.
        hinge, logistic: Mean of max(0, 1 − s²v), and of log₂(1 + e^{−s²v}), one per scale; empty if not
            asked for.
        hinge_rounding, logistic_rounding: How far each mean can lie from its exact value; certificates add
            it.
    """

    count: int
    scales: tuple[float, ...]
    hinge: tuple[float, ...] = ()
    logistic: tuple[float, ...] = ()
    hinge_rounding: tuple[float, ...] = ()
    logistic_rounding: tuple[float, ...] = ()


def all_pairs(
    table: Representations,
    scales: Sequence[float] = (1.0,),
    *,
    radius: float = 1.0,
    hinge: bool = True,
    logistic: bool = True,
    dtype: torch.dtype | None = None,
    rows: int = 8192,
    block: int = 1024,
    device: torch.device | str = "cpu",
    processes: Processes = ALONE,
) -> AllPairs:
    r"""Mean hinge and logistic loss over all ordered pairs of items, for several scales at once.

    The similarities S = A Aᵀ of the first views A (m, d) are symmetric, so each block serves both (i, j) and
    (j, i): the products cost m²d, half of a bare A Aᵀ. A block lives in cache and is never kept.

    Errors of float32 are bounded, not estimated: with unit roundoff u, γ_k = ku/(1 − ku) and any order of
    summation, |Ŝ − S| ≤ γ_{d+2}B² (Higham 2002, §3.1); the losses are 1-Lipschitz in v; the sum over a
    block's row adds γ_block relatively; block sums are accumulated in float64. exp and log are taken as
    right to 4u.

    Args:
        table: Two views, (m, d), of norm at most `radius`.
        scales: Positive numbers s with s·radius ≤ √40.
        radius: B.
        hinge, logistic: Which losses to compute.
        dtype: Of the products; by default float64 up to 8,192 items and float32 beyond. float64 as well where
            torch is told to shorten float32 products.
        rows: Items held at a time, twice.
        block: Side of a block of similarities.
        device: Where to compute.
        processes: Those that take the blocks in turn; each must call this with the whole table.

    Raises:
        InvalidStatistics: fewer than two items, one view only, or a norm above `radius`.
        InvalidOption: a scale out of range.
    """
    if len(table.views) != 2 or table.count < 2:
        raise InvalidStatistics(
            f"All-pairs losses need two views of at least two items, got {len(table.views)} of {table.count}."
        )
    if not scales or not all(0 < s * radius <= math.sqrt(_EXPONENT) for s in scales):
        raise InvalidOption(
            f"Scales s need 0 < s·B ≤ {math.sqrt(_EXPONENT):.2f} with B = {radius:g}, got {list(scales)}."
        )
    if dtype is None:
        exact = table.count <= _EXACT_UP_TO or torch.get_float32_matmul_precision() != "highest"
        dtype = torch.float64 if exact else torch.float32
    sums = _Sums(tuple(scales), radius, dtype, hinge, logistic, processes)
    positives: list[Tensor] = []
    firsts = replace(table, views=table.views[:1], labels=None)
    chunks, world, turn = -(-table.count // rows), processes.world, 0
    # Each process takes as many pairs of chunks as the others, so that it reads no more; the rest block by block.
    alone = chunks * (chunks - 1) // 2 // world * world
    for start in range(0, table.count, rows):
        first, positive = _read(table, start, rows, radius, dtype, device)
        positives.append(positive)
        sums.within(first, positive, block)
        for index, earlier in enumerate(positives[:-1]):
            turn += 1
            if turn <= alone and turn % world != processes.rank:
                continue
            other, _ = _read(firsts, index * rows, rows, radius, dtype, device)
            sums.between(first, positive, other, earlier, block, shared=turn > alone)
    return sums.result(table.count, table.dim, block)


def _read(
    table: Representations,
    start: int,
    rows: int,
    radius: float,
    dtype: torch.dtype,
    device: torch.device | str,
) -> tuple[Tensor, Tensor]:
    """First views (N, d) of items start..start + rows in `dtype`, and their products with the last, float64 (N,)."""
    firsts, products = [], []
    for views, _ in table.chunks(device=device, start=start, stop=start + rows):
        longest = max(float(torch.linalg.vector_norm(view, dim=1).max()) for view in views)
        if longest > radius * (1 + 1e-9):
            raise InvalidStatistics(
                f"`{table.name}` has a row of norm {longest:.6g} above B = {radius:g}; normalise it."
            )
        firsts.append(views[0].to(dtype))
        products.append((views[0] * views[-1]).sum(1))
    return torch.cat(firsts), torch.cat(products)


class _Sums:
    """Running sums of the losses over blocks of similarities."""

    def __init__(
        self,
        scales: tuple[float, ...],
        radius: float,
        dtype: torch.dtype,
        hinge: bool,
        logistic: bool,
        processes: Processes,
    ):
        self.processes, self.turn = processes, 0
        self.scales, self.radius, self.dtype = scales, radius, dtype
        self.hinge = [0.0] * len(scales) if hinge else []
        self.logistic = [0.0] * len(scales) if logistic else []

    def within(self, first: Tensor, positive: Tensor, block: int) -> None:
        """All ordered pairs inside one set of items."""
        for i in range(0, len(first), block):
            rows = slice(i, i + block)
            if self._my_turn():
                own = first[rows] @ first[rows].T
                own.fill_diagonal_(-math.inf)  # both losses of an infinite margin are zero
                self._add(own, positive[rows, None])
            for j in range(i + block, len(first), block):
                if self._my_turn():
                    similarity = first[rows] @ first[j : j + block].T
                    self._add_both(similarity, positive[rows], positive[j : j + block])

    def between(
        self,
        first: Tensor,
        positive: Tensor,
        other: Tensor,
        other_positive: Tensor,
        block: int,
        *,
        shared: bool,
    ) -> None:
        """Both orders of all pairs across two sets of items; this process's blocks of them if they are shared."""
        for i in range(0, len(first), block):
            for j in range(0, len(other), block):
                if not shared or self._my_turn():
                    similarity = first[i : i + block] @ other[j : j + block].T
                    self._add_both(similarity, positive[i : i + block], other_positive[j : j + block])

    def _my_turn(self) -> bool:
        """Whether the next block is this process's: the blocks are the same however many share them."""
        self.turn += 1
        return self.turn % self.processes.world == self.processes.rank

    def _add_both(self, similarity: Tensor, positive: Tensor, other_positive: Tensor) -> None:
        self._add(similarity, positive[:, None], other_positive[None, :])

    def _add(self, similarity: Tensor, *anchors: Tensor) -> None:
        """Add ℓ(s²(positive − similarity)) for each way to choose the anchors of a block."""
        work = torch.empty_like(similarity)
        for k, scale in enumerate(self.scales):
            square = scale * scale
            if self.hinge:
                for positive in anchors:
                    torch.add(similarity, (1 / square - positive).to(self.dtype), out=work).clamp_min_(0)
                    self.hinge[k] += square * _total(work)
            if self.logistic:
                grown = torch.mul(similarity, square).exp_()
                for positive in anchors:
                    torch.mul(grown, (-square * positive).exp().to(self.dtype), out=work)
                    self.logistic[k] += _total(_log_factors(work, self._halvings(square)))

    def _halvings(self, square: float) -> int:
        """How often neighbours can be multiplied before a product of 1 + e^{−s²v} overflows."""
        largest = 2 * square * self.radius**2 + math.log(2.0)
        return int(math.log2(max(1.0, math.log(torch.finfo(self.dtype).max) / largest)))

    def result(self, count: int, dim: int, block: int) -> AllPairs:
        pairs = count * (count - 1)
        sums = Totals(torch.tensor([*self.hinge, *self.logistic], dtype=torch.float64))
        means = (all_merge(self.processes, sums).values / pairs).tolist()
        hinge = tuple(means[: len(self.hinge)])
        logistic = tuple(mean / math.log(2.0) for mean in means[len(self.hinge) :])
        u, square = torch.finfo(self.dtype).eps / 2, self.radius**2
        product = (_gamma(u, dim + 2) + _gamma(2.0**-53, dim + 2)) * square
        summed = _gamma(u, block + 4)
        return AllPairs(
            count,
            self.scales,
            hinge,
            logistic,
            tuple(
                s * s * (product + 2 * u * (1 / (s * s) + 2 * square)) + 1.01 * summed * mean
                for s, mean in zip(self.scales, hinge, strict=False)
            ),
            tuple(
                (1.01 * (s * s * (product + u * square) + 10 * u) + 1.01 * summed * mean) / math.log(2.0)
                for s, mean in zip(self.scales, logistic, strict=False)
            ),
        )


def _log_factors(x: Tensor, halvings: int) -> Tensor:
    """Logarithms whose sum per row is Σ ln(1 + x); terms are multiplied first, as a logarithm costs more."""
    x.add_(1.0)
    for _ in range(halvings):
        half, odd = divmod(x.shape[1], 2)
        if odd or not half:
            break
        x = x[:, :half] * x[:, half:]
    return x.log_()


def _total(x: Tensor) -> float:
    return float(x.sum(1).double().sum())


def _gamma(u: float, terms: int) -> float:
    return terms * u / (1 - terms * u)
