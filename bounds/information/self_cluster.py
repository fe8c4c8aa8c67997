"""SelfCluster: how far unit representations are from evenly spread directions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.information.rows import as_rows, row_chunks
from bounds.summaries.geometry import Geometry


def self_cluster(data: Any, rows: int = 8192) -> float:
    r"""How much more the rows resemble each other than random directions do; 0 as random, 1 when all are one line.

    .. math:: \frac{\|UU^\top\|_F^2 - E}{n^2 - E}, \quad E = n + \frac{n(n-1)}{d}

    U holds the l2-normalised rows, E is the expectation for uniform directions; slightly negative for more even
    directions than random ones. Rows of zeros have no direction and are left out.

    Args:
        data: Representations, (N, d); of two views the first.
        rows: Rows in memory at a time.

    Raises:
        InvalidData: fewer than two rows that are not zero, or one dimension.

    Reference:
        Tsitsulin, Munkhoeva & Perozzi, "Unsupervised embedding quality evaluation", 2023 (arXiv:2305.16562), as in
        the authors' program.

    Example:
        >>> import torch
        >>> from bounds.information import self_cluster
        >>> round(self_cluster(torch.ones(5, 2)), 3)
        1.0
    """
    whole = as_rows(data, least=2)
    seen = Geometry.empty(whole.shape[1])
    for part in row_chunks(whole, rows):
        seen = seen.update(part)
    return self_cluster_of(seen.directions, seen.directed)


def self_cluster_of(second_moment: Tensor, count: int) -> float:
    """`self_cluster` from Σ uuᵀ over `count` unit rows: ‖UUᵀ‖_F = ‖UᵀU‖_F.

    Raises:
        InvalidData: fewer than two rows, or one dimension.
    """
    d = len(second_moment)
    if count < 2 or d < 2:
        raise InvalidData(f"SelfCluster needs two directions in two dimensions, got {count} in {d}.")
    expected = count + count * (count - 1) / d
    actual = float(torch.linalg.matrix_norm(second_moment).square())
    return (actual - expected) / (count**2 - expected)
