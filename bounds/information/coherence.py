"""Coherence: how much of the column space of a representation hangs on single items."""

from __future__ import annotations

from typing import Any

import torch

from bounds.errors import InvalidData
from bounds.information.rows import as_rows, row_chunks


def coherence(data: Any, rows: int = 8192) -> float:
    r"""(n/r) max_i ‖U_i‖², U the r left singular vectors of the raw matrix: 1 (all items alike) to n/r (one rules).

    ‖U_i‖² is the leverage of item i in the least-squares fit of a head without intercept. Singular values below
    max(n, d) ε s₁ are taken for zero, ε the spacing of the numbers given: where r < d this is the definition of
    Candès & Recht, which counts r, not d.

    Args:
        data: Representations, (N, d); of two views the first.
        rows: Rows in memory at a time.

    Raises:
        InvalidData: all rows zero.

    Reference:
        Candès & Recht 2009, definition 1.2; as a measure of representations in Tsitsulin, Munkhoeva & Perozzi 2023
        (arXiv:2305.16562).

    Example:
        >>> import torch
        >>> from bounds.information import coherence
        >>> round(coherence(torch.eye(3)), 3), round(coherence(torch.diag(torch.ones(4))[:, :1]), 3)
        (1.0, 4.0)
    """
    whole = as_rows(data, least=2)
    n, d = whole.shape
    triangle = torch.zeros(d, d, dtype=torch.float64, device=whole.device)
    for part in row_chunks(whole, rows):
        triangle = torch.linalg.qr(torch.cat([triangle, part.double()]), mode="r").R
    _, s, vt = torch.linalg.svd(triangle)
    rank = int((s > max(n, d) * torch.finfo(whole.dtype).eps * s[0]).sum())
    if not rank:
        raise InvalidData("All rows are zero, so they have no column space; the encoder collapsed.")
    turn = vt[:rank].T / s[:rank]
    largest = max(float((part.double() @ turn).square().sum(dim=1).max()) for part in row_chunks(whole, rows))
    return largest * n / rank
