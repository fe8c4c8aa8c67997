"""Rows that stand more than once in a table, and what they leave of a measurement from below."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.representations.table import Representations


def row_keys(table: Representations, view: int = 0) -> Tensor:
    """One 64-bit fingerprint per row of a view, int64 (N,): equal rows, as stored, have equal keys."""
    one = Representations((table.views[view],), name=table.name)
    generator = torch.Generator().manual_seed(0)
    mix = torch.randint(-(2**62), 2**62, (table.dim,), generator=generator) | 1
    keys = []
    for (rows,), _ in one.chunks():
        bits = (rows + 0.0).cpu().contiguous().view(torch.int64)  # −0 is 0
        bits = (bits ^ (bits >> 32)) * 0x2545F4914F6CDD1D  # float32 values have low halves of zeros
        keys.append(((bits ^ (bits >> 29)) * mix).sum(1))
    return torch.cat(keys)


def row_groups(table: Representations) -> Tensor:
    """Number of the group of equal rows that each row is in, int64 (N,), from 0 without gaps."""
    groups: Tensor = torch.unique(row_keys(table), return_inverse=True)[1]
    return groups


def counts_from_below(wrong: Tensor, groups: Tensor) -> tuple[int, int]:
    """Wrong and right items (k, a) for which CP⁻(k, k + a) stays a lower limit whatever rows were copied into the sample.

    k counts the groups without a right row, a every right row. Let the table arise from an i.i.d. sample by adding
    copies of its rows. A group counted in k holds a wrong row of the sample, distinct groups distinct ones, and every
    right row of the sample is still there: k is at most and a at least what the sample had. CP⁻ rises in k, falls in a.

    Args:
        wrong: Whether the predictor errs on each row, (N,).
        groups: Which rows are copies of each other, or may be, (N,).
    """
    right = torch.bincount(groups[~wrong], minlength=int(groups.max()) + 1)
    return int((right == 0).sum()), int(right.sum())


def mean_from_below(losses: Tensor, groups: Tensor) -> float:
    """The mean of non-negative losses with all but the smallest of each group set to zero, at most that without copies.

    Rows of loss zero only lower a limit from below by the kl inverse: N·kl(L/N‖p) falls in N for p < L/N.
    """
    smallest = losses.new_full((int(groups.max()) + 1,), torch.inf).scatter_reduce(0, groups, losses, "amin")
    return float(smallest.sum()) / len(losses)
