"""A7: S and S̄ are independent; refuted by what they share."""

from __future__ import annotations

import torch
from torch import Tensor

from bounds.assumptions.assumption import Assumption
from bounds.representations.table import Representations


def independence(labeled: Representations, pairs: Representations | None, same_source: bool) -> Assumption:
    """A7: refuted by a shared source, or by rows of S that recur among the pairs where S itself repeats no row."""
    if pairs is None:
        return Assumption("A7", "unverifiable", "there are no pairs")
    if same_source:
        return Assumption("A7", "violated", "`labeled` and `unlabeled` are the same data")
    rows = row_keys(labeled, 0)
    distinct = torch.unique(rows)
    if len(distinct) == len(rows):
        shared = max(
            int(torch.isin(distinct, row_keys(pairs, view)).sum()) for view in range(len(pairs.views))
        )
        if shared:
            return Assumption(
                "A7", "violated", f"{shared} of the {len(rows)} labeled items are also among the pairs"
            )
    return Assumption(
        "A7", "holds", "declared: two independent samples; no labeled item recurs among the pairs"
    )


def row_keys(table: Representations, view: int) -> Tensor:
    """One 64-bit fingerprint per row of a view: equal rows have equal keys."""
    one = Representations((table.views[view],), name=table.name)
    generator = torch.Generator().manual_seed(0)
    mix = torch.randint(-(2**62), 2**62, (table.dim,), generator=generator) | 1
    return torch.cat(
        [(views[0].cpu().contiguous().view(torch.int64) * mix).sum(1) for views, _ in one.chunks()]
    )
