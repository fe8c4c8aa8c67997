"""Two predictors on the same labeled items: what pairing says, beside what two separate limits say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bounds.duels.answers import MISSING, UNSURE, Repeats
from bounds.duels.panel import Classes, Mask, Rows
from bounds.duels.signs import sign_p_value
from bounds.errors import InvalidData
from bounds.summaries.limits import check_level, clopper_pearson_lower, clopper_pearson_upper

Interval = tuple[float, float]


@dataclass(frozen=True)
class Paired:
    """Exact statements for a number of labels that was fixed before any was seen.

    Attributes:
        count: N, labeled items.
        plus: Items on which only the first is right.
        minus: Items on which only the second is right.
        difference: (plus − minus)/N, an estimate of err(b) − err(a).
        interval: err(b) − err(a) with probability 1 − δ.
        p_first: Exact one-sided p-value against "the first does not err less".
        p_second: The same for the second.
        first: Clopper-Pearson limits of the first one's error at δ/2; None where only disagreements are labeled.
        second: Of the second one's error, at δ/2: with the first, what two separate limits say at δ.

    Example:
        >>> import numpy as np
        >>> from bounds.duels import paired
        >>> labels = np.zeros(20, dtype=int)
        >>> found = paired(labels, labels, labels, delta=0.05)  # no difference seen
        >>> found.count, found.difference, [round(limit, 3) for limit in found.interval]
        (20, 0.0, [-0.197, 0.197])
    """

    count: int
    plus: int
    minus: int
    difference: float
    interval: Interval
    p_first: float
    p_second: float
    first: Interval | None
    second: Interval | None

    @property
    def p_value(self) -> float:
        """Exact two-sided p-value of "both err equally often" (McNemar where no item repeats)."""
        return min(1.0, 2.0 * min(self.p_first, self.p_second))

    @property
    def separate(self) -> Interval | None:
        """What the two separate limits say of err(b) − err(a), with probability 1 − δ."""
        if self.first is None or self.second is None:
            return None
        return self.second[0] - self.first[1], self.second[1] - self.first[0]


def paired(
    a: Classes, b: Classes, labels: Rows, delta: float, first: Rows | None = None, repeats: Repeats = None
) -> Paired:
    r"""Compare predicted classes a, b (N,) with labels (N,), N and both predictors fixed beforehand.

    Items on which only one is right decide: :math:`p = P(\mathrm{Bin}(n_+ + n_-, ½) \ge n_+)`, and

    .. math:: \Delta \in [CP^-(n_+, N, δ/4) - CP^+(n_-, N, δ/4),\; CP^+(n_+, N, δ/4) - CP^-(n_-, N, δ/4)].

    Repeated items, where they are not declared, count for a claim once and against it each time. An `UNSURE` label counts
    against every claim.

    Args:
        a, b: Classes, −1 where a predictor has none.
        labels: Classes, or `UNSURE`; or `MISSING` where a and b agree, which costs the separate limits alone.
        delta: Failure probability.
        first: For each row the first row of equal input.
        repeats: "keep" or "drop" as declared for the population.

    Raises:
        InvalidData: lengths that differ, no items, or a disagreement without label.

    Source: McNemar (1947); Clopper and Pearson (1934).

    Example:
        >>> import numpy as np
        >>> from bounds.duels import paired
        >>> labels = np.zeros(20, dtype=int)
        >>> found = paired(labels, np.repeat([0, 1], [15, 5]), labels, delta=0.05)
        >>> found.plus, found.minus, found.difference, found.p_first
        (5, 0, 0.25, 0.03125)
    """
    check_level(delta)
    if not len(a) == len(b) == len(labels) or not len(a):
        raise InvalidData(
            f"Predictions and labels must go together, got {len(a)}, {len(b)} and {len(labels)}."
        )
    if (labels[a != b] == MISSING).any():
        raise InvalidData("A fixed-size comparison needs a label of every item on which the two differ.")
    unsure = (labels == UNSURE) & (a != b)
    plus, minus = (a == labels) & (a != b), (b == labels) & (a != b)
    count = _Counted(np.arange(len(a)) if first is None else first, repeats)
    p_first = sign_p_value(count.few(plus), count.many(minus | unsure))
    p_second = sign_p_value(count.few(minus), count.many(plus | unsure))
    level = delta / 4
    interval = (
        count.lower(plus, level) - count.upper(minus | unsure, level),
        count.upper(plus | unsure, level) - count.lower(minus, level),
    )
    limits: list[Interval | None] = [None, None]
    if (labels != MISSING).all():
        blank = labels == UNSURE
        limits = [
            (count.lower((one != labels) & ~blank, level), count.upper((one != labels) | blank, level))
            for one in (a, b)
        ]
    plain = int(plus.sum()), int(minus.sum())
    return Paired(
        len(a), *plain, (plain[0] - plain[1]) / len(a), interval, p_first, p_second, limits[0], limits[1]
    )


@dataclass(frozen=True)
class _Counted:
    """Counts of rows of which some are copies: at most so many, at least so many."""

    first: Rows
    repeats: Repeats

    def many(self, rows: Mask) -> int:
        return self._distinct(rows) if self.repeats == "drop" else int(rows.sum())

    def few(self, rows: Mask) -> int:
        return int(rows.sum()) if self.repeats == "keep" else self._distinct(rows)

    def upper(self, rows: Mask, level: float) -> float:
        k, rest = self.many(rows), self.few(~rows)
        return clopper_pearson_upper(k, k + rest, level)

    def lower(self, rows: Mask, level: float) -> float:
        k, rest = self.few(rows), self.many(~rows)
        return clopper_pearson_lower(k, k + rest, level)

    def _distinct(self, rows: Mask) -> int:
        return len(np.unique(self.first[rows]))
