"""All pairs of rows, one block at a time: each block is one matrix product, and n x n is never in memory.

Precision: products run in the type of the rows (float32 is twice as fast), sums over blocks in float64. A
squared distance is then known to about 4 eps max|x|^2 after centring; callers that need more ask for float64
rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.processes import ALONE, Processes

BLOCK = 2048


class Block(NamedTuple):
    """One block of a pairwise matrix; `values` is overwritten by the next block."""

    rows: slice
    columns: slice
    values: Tensor


def product_blocks(
    left: Tensor,
    right: Tensor,
    block: int = BLOCK,
    *,
    upper: bool = False,
    processes: Processes = ALONE,
) -> Iterator[Block]:
    """Yield left @ right.T block by block, reusing one buffer of block^2 numbers.

    Args:
        left: (n, d).
        right: (m, d).
        block: Rows and columns of a block.
        upper: Only the blocks on and above the diagonal, for symmetric matrices.
        processes: Those that take the rows of blocks in turn; sums over blocks need `all_sum`.

    Raises:
        InvalidOption: `block` is not positive.
    """
    if block < 1:
        raise InvalidOption(f"`block` must be a positive number of rows, got {block}.")
    buffer = left.new_empty(min(block, len(left)) * min(block, len(right)))
    for i in range(processes.rank * block, len(left), processes.world * block):
        a = left[i : i + block]
        for j in range(i if upper else 0, len(right), block):
            b = right[j : j + block]
            values = buffer[: len(a) * len(b)].view(len(a), len(b))
            torch.mm(a, b.T, out=values)
            yield Block(slice(i, i + len(a)), slice(j, j + len(b)), values)


def half_square_blocks(
    x: Tensor, block: int = BLOCK, *, upper: bool = False, processes: Processes = ALONE
) -> Iterator[Block]:
    """Yield -|x_i - x_j|^2 / 2, exactly zero on the diagonal, elsewhere below zero but for rounding.

    The squared norms ride along as two more columns, so a block costs one product and one pass.
    """
    x = x - x.mean(dim=0)
    half = (-0.5 * x.double().square().sum(dim=1, keepdim=True)).to(x)
    one = torch.ones_like(half)
    left, right = torch.cat([x, half, one], dim=1), torch.cat([x, one, half], dim=1)
    for item in product_blocks(left, right, block, upper=upper, processes=processes):
        if item.rows == item.columns:
            item.values.fill_diagonal_(0)
        yield item


def nearest(x: Tensor, k: int = 1, block: int = BLOCK, processes: Processes = ALONE) -> tuple[Tensor, Tensor]:
    """Distances (n, k) and indices (n, k) of the k nearest other rows, nearest first.

    Candidates are found by blocked products, their distances then recomputed exactly in float64.

    Raises:
        InvalidOption: `k` is not between 1 and n - 1.
        InvalidData: fewer than two rows.
    """
    n = len(x)
    if n < 2:
        raise InvalidData(f"Nearest neighbours need at least two rows, got {n}.")
    if not 1 <= k < n:
        raise InvalidOption(f"`k` must be between 1 and n - 1 = {n - 1}, got {k}.")

    def own() -> tuple[Tensor, ...]:
        best = x.new_full((n, k), -torch.inf)
        index = torch.zeros((n, k), dtype=torch.int64, device=x.device)
        for rows, columns, values in half_square_blocks(x, block, processes=processes):
            if rows == columns:
                values.fill_diagonal_(-torch.inf)
            top, where = values.topk(min(k, values.shape[1]), dim=1)
            merged = torch.cat([best[rows], top], dim=1)
            best[rows], keep = merged.topk(k, dim=1)
            index[rows] = torch.cat([index[rows], where + columns.start], dim=1).gather(1, keep)
        return (index,)

    (index,) = all_sum(processes, "finding neighbours", own)
    return exact_distances(x, index)


def exact_distances(x: Tensor, index: Tensor, rows: int = 4096) -> tuple[Tensor, Tensor]:
    """Distances of row i to rows index[i], nearest first, and their index, by subtraction in float64."""
    distances = torch.empty(index.shape, dtype=torch.float64, device=x.device)
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        for column in range(index.shape[1]):
            difference = x[part].double() - x[index[part, column]].double()
            distances[part, column] = torch.linalg.vector_norm(difference, dim=1)
    distances, order = distances.sort(dim=1)
    return distances, index.gather(1, order)


def exponential_(values: Tensor) -> Tensor:
    """Exponential in place of numbers up to about zero; below -80, where nothing is left to add, it is e^-80.

    Underflow costs the CPU ten times the exponential itself, as much as the product.
    """
    return values.clamp_(min=-80).exp_()


def log_sum_exp_both(left: Tensor, right: Tensor, block: int = BLOCK) -> tuple[Tensor, Tensor]:
    """Log of sum_j exp(left_i . right_j) for each i, and of the sum over i for each j, float64.

    One product serves both where |left||right| bounds all scores by 40, so that one shift keeps every
    exponential a normal number; otherwise each side gets its own pass with a running maximum.
    """
    peak = float(torch.linalg.vector_norm(left, dim=1).max() * torch.linalg.vector_norm(right, dim=1).max())
    if not peak <= 40:
        return log_sum_exp_rows(left, right, block), log_sum_exp_rows(right, left, block)
    by_row = torch.zeros(len(left), dtype=torch.float64, device=left.device)
    by_column = torch.zeros(len(right), dtype=torch.float64, device=left.device)
    for rows, columns, values in product_blocks(left, right, block):
        values.sub_(peak).exp_()
        by_row[rows] += values.sum(dim=1)
        by_column[columns] += values.sum(dim=0)
    return by_row.log() + peak, by_column.log() + peak


def log_sum_exp_rows(left: Tensor, right: Tensor, block: int = BLOCK) -> Tensor:
    """Log of sum_j exp(left_i . right_j), (n,) in float64, with a running maximum against overflow."""
    n = len(left)
    peak = torch.full((n,), -torch.inf, dtype=left.dtype, device=left.device)
    total = torch.zeros(n, dtype=torch.float64, device=left.device)
    for rows, _, values in product_blocks(left, right, block):
        new = torch.maximum(peak[rows], values.amax(dim=1))
        total[rows] *= (peak[rows] - new).double().exp()
        total[rows] += exponential_(values.sub_(new[:, None])).sum(dim=1)
        peak[rows] = new
    return peak.double() + total.log()
