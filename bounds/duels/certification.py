"""How many labels until an error rate is certified, or refuted, at a target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from bounds.duels.answers import MISSING, UNSURE
from bounds.duels.labeling import Labeling
from bounds.duels.panel import Rows
from bounds.duels.sequences import error_upper_sequence, log_below_e_value
from bounds.duels.signs import Floats, reaches
from bounds.rendering import rendered

_MOST = 10**7  # labels beyond which no decision is looked for


@dataclass(frozen=True)
class _Reading:
    """Mistakes 0/1 of the longest answered prefix, at most and at least, and what they say."""

    most: Floats
    least: Floats
    verdict: Literal["certified", "refuted", "undecided"]


class Certification(Labeling):
    r"""Is err(h) below a target t? Labels one at a time in random order, until that is certified or refuted.

    Certified once :math:`E_n = \frac1t\int_0^t (q/t)^k((1-q)/(1-t))^{n-k}dq \ge 1/δ` after k mistakes among n items, refuted
    once the mirror image is; only one of the two can be false. h was fixed before the items, which are i.i.d.; valid
    whenever one stops. "Cannot tell" is a mistake for the one and none for the other.

    Attributes:
        panel: Predictions.
        target: t.

    Example:
        >>> import numpy as np
        >>> found = bounds.certify(np.zeros(200, dtype=int), target=0.5, delta=0.05)
        >>> found.add(found.to_label[:10], [1] * 10)
        >>> found.verdict, found.read, found.mistakes
        ('refuted', 10, 10)
    """

    kind: ClassVar[str] = "certify"

    def __init__(self, panel: Any, *, target: float, **common: Any) -> None:
        super().__init__(panel, **common)
        self.target = target
        self._seen: tuple[int, list[_Reading]] | None = None

    @property
    def verdict(self) -> Literal["certified", "refuted", "undecided"]:
        """Of two readings of repeats both must say it."""
        said = {one.verdict for one in self._readings}
        return said.pop() if len(said) == 1 else "undecided"

    @property
    def mistakes(self) -> int:
        """Items of the longest answered prefix that are wrong or that nobody could tell."""
        return int(self._readings[0].most.sum())

    @property
    def read(self) -> int:
        """Items of the longest answered prefix."""
        return len(self._readings[0].most)

    @property
    def error(self) -> float:
        """The error rate is at most this, with probability 1 − δ whenever one stops; see `error_at`."""
        return self.error_at(self.delta)

    def error_at(self, delta: float) -> float:
        """The limit at another failure probability, by itself; of two readings of repeats the larger."""
        return max(error_upper_sequence(one.most, delta) for one in self._readings)

    def expected_labels(self, error: float) -> int | None:
        """About how many labels a decision takes from the start where the true error rate is so large; None: too many."""

        def decided(n: int) -> bool:
            k = np.array(error * n)
            for one, rest, target in ((k, n - k, self.target), (n - k, k, 1.0 - self.target)):
                if reaches(log_below_e_value(one, rest, target), self.delta):
                    return True
            return False

        high = 1
        while not decided(high):
            high *= 2
            if high > _MOST:
                return None
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if decided(middle) else (middle, high)
        return high

    @property
    def labels_needed(self) -> int | None:
        """About how many more labels a decision needs, at the rate seen so far or, before any, at half the target."""
        if self.verdict != "undecided":
            return 0
        wrong, n = self.mistakes, self.read
        rate = (wrong + self.target) / (n + 2) if n else self.target / 2
        needed = self.expected_labels(rate)
        return None if needed is None else max(1, needed - n)

    @property
    def _readings(self) -> list[_Reading]:
        if self._seen is None or self._seen[0] != self.labels:
            self._seen = self.labels, [self._read(rows) for rows in self.answers.readings]
        return self._seen[1]

    def _read(self, rows: Rows) -> _Reading:
        labels = self.answers.labels(rows)
        missing = np.flatnonzero(labels == MISSING)
        stop = missing[0] if len(missing) else len(rows)
        rows, labels = rows[:stop], labels[:stop]
        wrong = self.panel.predicted[0, rows] != labels
        most = wrong.astype(np.float64)
        least = np.where(labels == UNSURE, 0.0, most)
        n = np.arange(1, len(rows) + 1)
        k, fewest = np.cumsum(most), np.cumsum(least)
        verdict: Literal["certified", "refuted", "undecided"] = "undecided"
        if reaches(log_below_e_value(k, n - k, self.target), self.delta):
            verdict = "certified"
        elif reaches(log_below_e_value(n - fewest, fewest, 1.0 - self.target), self.delta):
            verdict = "refuted"
        return _Reading(most, least, verdict)

    def _options(self) -> dict[str, Any]:
        return {"target": self.target}

    def __str__(self) -> str:
        return str(rendered("duels.text:certification_text", self))


def expected_fixed_size(error: float, target: float, delta: float, power: float = 0.8) -> int:
    """The smallest N at which Clopper-Pearson certifies the target with this power, where the true error rate is `error`."""
    from scipy.stats import binom

    first = max(1, math.ceil(math.log(delta) / math.log1p(-target)))  # no mistake certifies from here on
    while True:
        n = np.arange(first, 2 * first)
        allowed = binom.ppf(delta, n, target)
        allowed = np.where(binom.cdf(allowed, n, target) > delta, allowed - 1, allowed)
        enough = np.flatnonzero((allowed >= 0) & (binom.cdf(allowed, n, error) >= power))
        if len(enough):
            return int(n[enough[0]])
        first *= 2
