"""Several predictors on one union of disagreements: the set that contains the best, and the order as far as it is sure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from bounds.duels.answers import MISSING, UNSURE
from bounds.duels.labeling import Labeling
from bounds.duels.panel import Classes, Mask, Rows
from bounds.duels.signs import Floats, log_sign_e_value
from bounds.rendering import rendered

Goal = Literal["best", "order"]
_ROUNDING = 1e-9  # of a logarithm of an e-value
_BLOCK = 1024  # answers read at once


@dataclass(frozen=True)
class _Reading:
    """One reading of the order, up to the first item that is needed and has no answer.

    Attributes:
        remaining: (J,) who may still be the best.
        sure: (J, J) whether the first is certified to err less than the second.
        needed: (N,) items, by representative, that a pair not yet decided still reads.
        used: Answers that were read.
    """

    remaining: Mask
    sure: Mask
    needed: Mask
    used: int


class Ranking(Labeling):
    r"""Which of J predictors errs least, from one random order over the union of their disagreements.

    Each pair reads its own disagreements in that order; :math:`E_{i>j}` is the wealth of bets that i errs less than j. A
    predictor j is removed once :math:`\frac1{J-1}\sum_{i\ne j}E_{i>j} \ge 1/δ`. What remains contains any one fixed best
    predictor with probability 1 − δ, whenever one stops. That i errs less than j is certified once
    :math:`E_{i>j} \ge J(J-1)/δ`, which pays for every pair in both directions, and where it follows from others that are.
    All predictors were fixed before any label.

    Where the best is sought, a pair is decided once one of the two is removed; where the order is, once it is certified. Its
    wealth is then frozen and stays in the averages, and items that only decided pairs need are skipped.

    Which items come next depends on earlier answers only: a rule that picks them by their look, scores or by who
    predicted what is not valid.

    Attributes:
        panel: Predictions of all.
        goal: "best" or "order": what labels are asked for.

    Example:
        >>> import numpy as np
        >>> three = {name: np.eye(3, 30, dtype=int)[row] for row, name in enumerate("abc")}
        >>> ranking = bounds.rank(three)
        >>> sorted(ranking.to_label.tolist())  # where any two disagree
        [0, 1, 2]
    """

    kind: ClassVar[str] = "rank"

    def __init__(self, panel: Any, *, goal: Goal = "best", **common: Any) -> None:
        super().__init__(panel, **common)
        self.goal: Goal = goal
        self._seen: tuple[int, list[_Reading]] | None = None

    @property
    def best(self) -> list[str]:
        """The set that contains the best with probability 1 − δ, in the order given."""
        remaining = np.any([one.remaining for one in self._readings], axis=0)
        return [name for name, stays in zip(self.panel.names, remaining, strict=True) if stays]

    @property
    def order(self) -> list[tuple[str, str]]:
        """Pairs (who errs less, who errs more), all right with probability 1 − δ whenever one stops, by itself.

        Where labels are asked to find the best, little is known of those who were removed early.
        """
        sure = np.all([one.sure for one in self._readings], axis=0)
        return [(self.panel.names[i], self.panel.names[j]) for i, j in np.argwhere(sure).tolist()]

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
        rows = rows[panel.differing(rows)]
        if panel.leaked is not None:
            rows = rows[~panel.leaked[rows]]
        labels, places = self.answers.labels(rows), panel.place(rows)
        # [0, i, k]: items for the claim that i errs less than k; [1]: against it
        counts = np.zeros((2, j, j))
        log, peak = np.zeros((j, j)), np.zeros((j, j))  # wealth now, and its largest so far
        remaining, used, at = np.ones(j, dtype=bool), 0, 0
        active = self._active(remaining, peak)
        while at < len(rows) and active.any():
            # Up to the next pair that is decided, or the next item that is needed and has no answer.
            window = panel.predicted[:, places[at : at + _BLOCK]]
            wanted = np.flatnonzero(_differ(window, active))
            missing = np.flatnonzero(labels[at + wanted] == MISSING)
            ahead = wanted[: missing[0]] if len(missing) else wanted
            last = int(wanted[missing[0]]) if len(missing) else window.shape[1]
            changed = False
            if len(ahead):
                said, label = window[:, ahead], labels[at + ahead]
                reads = active[..., None] & (said[:, None] != said[None, :])
                right = (said == label) & (label != UNSURE)
                gains = reads & right[:, None], reads & (right[None, :] | (label == UNSURE))
                course = counts[..., None] + np.cumsum(np.stack(gains), axis=3, dtype=np.float64)
                logs = np.where(active[..., None], log_sign_e_value(*course), log[..., None])
                average = _averages(logs)
                out = remaining[:, None] & (average >= math.exp(_ROUNDING) / self.delta)
                out &= remaining.sum() > 1
                event = out.any(axis=0)
                if self.goal == "order":
                    event |= (active[..., None] & (logs >= self._enough)).any(axis=(0, 1))
                changed = bool(event.any())
                stop = int(event.argmax()) if changed else len(ahead) - 1
                counts, log = course[..., stop], logs[..., stop]
                peak = np.maximum(peak, logs[..., : stop + 1].max(axis=2))
                remaining = remaining & ~out[:, stop]
                if not remaining.any():
                    # Somebody stays: of all who were removed at once the one with least against it.
                    remaining[np.where(out[:, stop], average[:, stop], math.inf).argmin()] = True
                used += stop + 1
                last = int(ahead[stop]) + 1 if changed else last
            at += last
            if changed:
                active = self._active(remaining, peak)
            elif len(missing):
                break
        needed = np.zeros(panel.count, dtype=bool)
        for start in range(at, len(rows) if active.any() else at, _BLOCK):
            part = slice(start, start + _BLOCK)
            rest = _differ(panel.predicted[:, places[part]], active)
            needed[panel.representative(rows[part][rest])] = True
        read = len(np.unique(panel.representative(rows[:at][labels[:at] != MISSING])))
        return _Reading(remaining, self._sure(peak), needed, min(used, read))

    def _active(self, remaining: Mask, peak: Floats) -> Mask:
        """(J, J) pairs that are not decided."""
        if self.goal == "best":
            found = remaining[:, None] & remaining[None, :]
        else:
            sure = self._sure(peak)
            found = ~(sure | sure.T)
        np.fill_diagonal(found, False)
        return found

    @property
    def _enough(self) -> float:
        """Logarithm of the wealth that certifies the order of a pair."""
        j = len(self.panel.names)
        return math.log(j * (j - 1) / self.delta) + _ROUNDING

    def _sure(self, peak: Floats) -> Mask:
        return _closed(peak >= self._enough)

    def _options(self) -> dict[str, Any]:
        return {"goal": self.goal}

    def __str__(self) -> str:
        return str(rendered("duels.text:ranking_text", self))


def _averages(logs: Floats) -> Floats:
    """(J, J, n) logarithms of wealth for "i errs less than k" -> (J, n) the mean over the others i, for each k."""
    j = len(logs)
    wealth = np.exp(np.minimum(logs, 700.0))
    wealth[np.arange(j), np.arange(j)] = 0.0
    found: Floats = wealth.sum(axis=0) / max(j - 1, 1)
    return found


def _differ(predicted: Classes, active: Mask) -> Mask:
    """Whether any active pair differs on each of these items, (J, n) -> (n,)."""
    found = np.zeros(predicted.shape[1], dtype=bool)
    for i, j in np.argwhere(np.triu(active)).tolist():
        found |= predicted[i] != predicted[j]
    return found


def _closed(less: Mask) -> Mask:
    """With all that follows: i before k and k before j is i before j."""
    found = less.copy()
    for k in range(len(found)):
        found |= found[:, k : k + 1] & found[k : k + 1]
    np.fill_diagonal(found, False)
    return found
