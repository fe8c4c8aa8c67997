"""What the head does on each test item, read once: the counts behind every certificate on the test items."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.heads.decision import score_gap


@dataclass(frozen=True)
class Outcomes:
    """One entry an item, in the order of the test set, on the CPU.

    Attributes:
        labels: Class of the item, (N,).
        rank: Number of other classes whose score is at least that of the item's class, (N,): 0 is right, and a tie is
            counted against the head.
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
        parts = []
        for (z, *_), labels in evidence.need_test().chunks(device=evidence.device):
            if labels is not None:
                scores = evidence.head(z)
                own = scores.gather(1, labels[:, None])
                rank = (scores >= own).sum(1) - 1
                parts.append((labels.cpu(), rank.cpu(), score_gap(scores).cpu()))
        return Outcomes(*(torch.cat(one) for one in zip(*parts, strict=True)))

    return memo(evidence, "test outcomes", make)


def count(evidence: Evidence, wrong: Tensor, among: Tensor | None = None) -> Count:
    """Mistakes `wrong` (N,) bool and items, of the test items or of those `among` (N,) bool.

    Every binomial certificate on the test items counts here.
    """
    chosen = torch.ones_like(wrong) if among is None else among
    return Count(int((wrong & chosen).sum()), int(chosen.sum()))
