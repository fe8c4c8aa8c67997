"""What the head does on each test item, read once: the counts behind every certificate on the test items."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.evidence.memo import memo
from bounds.heads.decision import score_gap
from bounds.summaries.decision import rank


@dataclass(frozen=True)
class Outcomes:
    """One entry an item, in the order of the test set, on the CPU.

    Attributes:
        labels: Class of the item, (N,).
        rank: `rank` of the item's class, (N,): 0 is right, and a tie is counted against the head.
        gap: `score_gap`, (N,).
    """

    labels: Tensor
    rank: Tensor
    gap: Tensor

    @property
    def wrong(self) -> Tensor:
        """Items on which the head errs, (N,) bool."""
        return self.rank > 0


@dataclass(frozen=True)
class Count:
    """k mistakes among N items, as a binomial limit takes them."""

    mistakes: int
    trials: int


def head_outcomes(evidence: Evidence) -> Outcomes:
    """Outcomes of the chosen head; the whole test set in every process."""

    def make() -> Outcomes:
        table, start = evidence.need_test(), 0
        # Filled in place: small tensors kept between the large ones of a pass leave holes that no later one fits.
        kept = Outcomes(
            *(torch.empty(table.count, dtype=kind) for kind in (torch.int64, torch.int64, torch.float64))
        )
        for (z, *_), labels in table.chunks(device=evidence.device):
            if labels is None:
                raise InvalidData(f"`{table.name}` has no labels.")
            scores, rows = evidence.head(z), slice(start, start + len(z))
            kept.labels[rows], kept.rank[rows], kept.gap[rows] = (
                labels,
                rank(scores, labels),
                score_gap(scores),
            )
            start += len(z)
        return kept

    return memo(evidence, "test outcomes", make)


def count(evidence: Evidence, wrong: Tensor, among: Tensor | None = None) -> Count:
    """Mistakes `wrong` (N,) bool and items, of the test items or of those `among` (N,) bool.

    Every binomial certificate on the test items counts here, and copies as `kept_apart` says. A component of copies that
    is not as a whole among the chosen items counts as no success, and a leaked item counts as a mistake wherever it
    is, as it may have replaced a chosen one.
    """
    chosen = torch.ones_like(wrong) if among is None else among
    apart = test_apart(evidence)
    if apart.clean:
        return Count(int((wrong & chosen).sum()), int(chosen.sum()))
    if among is None:
        whole = apart.upper(wrong.numpy())
        return Count(whole.mistakes, whole.trials)
    own = chosen.numpy()
    mixed = np.isin(apart.component, apart.component[~own])
    part = replace(apart, component=apart.component[own], leaked=(apart.leaked | mixed)[own], overlap=None)
    found = part.upper(wrong.numpy()[own])
    outside = int(apart.leaked[~own].sum())
    return Count(found.mistakes + outside, found.trials + outside)
