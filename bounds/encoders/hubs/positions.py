"""Which kind of position embedding a transformer has: its values tell apart what names and shapes do not."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["moco v3", "fixed", "learned"]
_ROUNDING = 0.02  # of sines kept in half precision
_NEAR = 0.9  # cosine to a fixed embedding that was trained on


def kind_of(embedding: Tensor, before: int) -> Kind:
    """What filled a square position embedding (1, before + s², D).

    "moco v3": sines and cosines of row and column as in its code, nothing at the class token. "fixed": other sines and
    cosines, also such that training went on from. "learned": all else.

    Args:
        embedding: As the file has it.
        before: Tokens before those of patches.
    """
    dim, grid = embedding.shape[2], embedding[0, before:].float()
    side = math.isqrt(len(grid))
    if dim % 4 or side**2 != len(grid):
        return "learned"
    row_first = sines(side, dim)
    column_first = row_first.roll(dim // 2, dims=1)
    zero = bool((embedding[0, :before].float().abs() <= _ROUNDING).all())
    if before and zero and bool(((grid - row_first).abs() <= _ROUNDING).all()):
        return "moco v3"
    near = max(
        float(torch.cosine_similarity(grid.flatten(), one.flatten(), dim=0))
        for one in (row_first, column_first)
    )
    # sin² + cos² = 1 for each of D/2 angles, in whatever order and of whatever frequencies.
    lengths = grid.square().sum(dim=1) / (dim / 2)
    return "fixed" if near > _NEAR or bool(((lengths - 1).abs() <= _ROUNDING).all()) else "learned"


def sines(side: int, dim: int) -> Tensor:
    """(s², D): patch (r, c) ↦ sin rω, cos rω, sin cω, cos cω with ω_k = 10000^{−4k/D}, k < D/4 (arXiv:2104.02057)."""
    omega = 10000.0 ** (-4 * torch.arange(dim // 4, dtype=torch.float64) / dim)
    angles = torch.outer(torch.arange(side, dtype=torch.float64), omega)
    waves = torch.cat([angles.sin(), angles.cos()], dim=1).float()
    rows, columns = waves.repeat_interleave(side, dim=0), waves.repeat(side, 1)
    return torch.cat([rows, columns], dim=1)
