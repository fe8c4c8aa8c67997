"""Several predictors on one union of disagreements: the set that contains the best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bounds.duels.answers import MISSING, UNSURE
from bounds.duels.labeling import Labeling
from bounds.duels.panel import Mask, Rows
from bounds.duels.signs import Floats, log_sign_e_value
from bounds.rendering import rendered

_ROUNDING = 1e-9  # of a logarithm of an e-value
_BLOCK = 1024  # answers read at once


@dataclass(frozen=True)
class _Reading:
    """One reading of the order, up to the first item that is needed and has no answer.

    Attributes:
        remaining: (J,) who may still be the best.
        needed: (N,) items, by representative, that a pair not yet decided still reads.
        used: Answers that were read.
    """

    remaining: Mask
    needed: Mask
    used: int


class Ranking(Labeling):
    r"""Which of J predictors errs least, from one random order over the union of their disagreements.

    Each pair reads its own disagreements in that order; :math:`E_{i>j}` is the wealth of bets that i errs less than j. A
    predictor j is removed once :math:`\frac1{J-1}\sum_{i\ne j}E_{i>j} \ge 1/δ`; a pair is decided once one of the two is
    removed, its wealth is then frozen and stays in the averages, and items that only decided pairs need are skipped. What
    remains contains any one fixed best predictor with probability 1 − δ, whenever one stops. All predictors were fixed
    before any label.

    Which items come next depends on earlier answers only: a rule that picks them by their look, scores or by who
    predicted what is not valid.

    Attributes:
        panel: Predictions of all.

    Example:
        >>> import numpy as np
        >>> three = {name: np.eye(3, 30, dtype=int)[row] for row, name in enumerate("abc")}
        >>> ranking = bounds.rank(three)
        >>> sorted(ranking.to_label.tolist())  # where any two disagree
        [0, 1, 2]
    """

    kind: ClassVar[str] = "rank"

    def __init__(self, panel: Any, **common: Any) -> None:
        super().__init__(panel, **common)
        self._seen: tuple[int, list[_Reading]] | None = None

    @property
    def best(self) -> list[str]:
        """The set that contains the best with probability 1 − δ, in the order given."""
        remaining = np.any([one.remaining for one in self._readings], axis=0)
        return [name for name, stays in zip(self.panel.names, remaining, strict=True) if stays]

    @property
    def verdict(self) -> str:
        """The best predictor's name once one is left, else "undecided"."""
        return self.best[0] if len(self.best) == 1 else "undecided"

    @property
    def to_label(self) -> Rows:
        """Row numbers of the items to label next, in order; those that only decided pairs need are skipped."""
        rows = self.answers.in_order(np.any([one.needed for one in self._readings], axis=0))
        left: Rows = rows[self.answers.labels(rows) == MISSING]
        return left

    @property
    def used(self) -> int:
        """Labels that were read: those before the first missing one, without the skipped."""
        return max(one.used for one in self._readings)

    @property
    def _readings(self) -> list[_Reading]:
        if self._seen is None or self._seen[0] != self.labels:
            self._seen = self.labels, [self._read(rows) for rows in self.answers.readings]
        return self._seen[1]

    def _read(self, rows: Rows) -> _Reading:
        panel, j = self.panel, len(self.panel.names)
        rows = rows[np.isin(rows, panel.rows)]
        if panel.leaked is not None:
            rows = rows[~panel.leaked[rows]]
        predicted = panel.predicted[:, panel.place(rows)]
        labels = self.answers.labels(rows)
        keys = panel.representative(rows)
        counts = np.zeros(
            (2, j, j)
        )  # [0, i, k]: items for the claim that i errs less than k; [1]: against it
        remaining, used = np.ones(j, dtype=bool), 0
        log = np.zeros((j, j))
        at = 0
        while True:
            # Up to the next removal, or the next item that those who remain need and that has no answer.
            here = predicted[remaining]
            ahead = at + np.flatnonzero((here[:, at:] != here[:1, at:]).any(axis=0))
            missing = np.flatnonzero(labels[ahead] == MISSING)
            ahead = ahead[: missing[0] if len(missing) else len(ahead)][:_BLOCK]
            if not len(ahead):
                break
            said, label = predicted[:, ahead], labels[ahead]
            active = remaining[:, None, None] & remaining[None, :, None] & (said[:, None] != said[None, :])
            right = (said == label) & (label != UNSURE)
            gains = active & right[:, None], active & (right[None, :] | (label == UNSURE))
            course = counts[..., None] + np.cumsum(np.stack(gains), axis=3, dtype=np.float64)
            logs = np.where(
                remaining[:, None, None] & remaining[None, :, None], log_sign_e_value(*course), log[..., None]
            )
            out = remaining[:, None] & (_averages(logs) >= math.exp(_ROUNDING) / self.delta)
            stop = int(out.any(axis=0).argmax()) if out.any() else len(ahead) - 1
            counts, log = course[..., stop], logs[..., stop]
            stays = remaining & ~out[:, stop]
            remaining = stays if stays.any() else remaining
            used, at = used + stop + 1, int(ahead[stop]) + 1
        needed = np.zeros(panel.count, dtype=bool)
        here = predicted[remaining]
        rest = (here[:, at:] != here[:1, at:]).any(axis=0)
        needed[keys[at:][rest]] = True
        read = len(np.unique(keys[:at][(labels[:at] != MISSING)]))
        return _Reading(remaining, needed, min(used, read))

    def __str__(self) -> str:
        return str(rendered("duels.text:ranking_text", self))


def _averages(logs: Floats) -> Floats:
    """(J, J, n) logarithms of wealth for "i errs less than k" -> (J, n) the mean over the others i, for each k."""
    j = len(logs)
    wealth = np.exp(np.minimum(logs, 700.0))
    wealth[np.arange(j), np.arange(j)] = 0.0
    found: Floats = wealth.sum(axis=0) / max(j - 1, 1)
    return found
