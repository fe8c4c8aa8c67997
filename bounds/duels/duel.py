"""A duel: which of two predictors errs less, from labels on their disagreements, valid whenever it is stopped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from bounds.arguments import RULES, checked, number
from bounds.duels.answers import MISSING, UNSURE
from bounds.duels.labeling import Labeling
from bounds.duels.paired import Interval, Paired, paired
from bounds.duels.panel import Rows
from bounds.duels.sequences import log_margin_e_values, mean_upper_sequence
from bounds.duels.signs import Floats, log_sign_e_value, reaches, signs_needed
from bounds.errors import InvalidOption, NotApplicable
from bounds.rendering import rendered
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper

_unit = number(-1e-300, 1.0 + 1e-12, "lie in [0, 1]")
Verdict = Literal["a", "b", "undecided", "within margin"]


@dataclass(frozen=True)
class Share:
    """A share of items, with Clopper-Pearson limits at 1 − δ."""

    count: int
    items: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Count by items."""
        return self.count / self.items


@dataclass(frozen=True)
class _Reading:
    """What one reading of the order has seen: +1 where only a is right, −1 where only b is."""

    plus: int
    minus: int
    neither: int
    unsure: int
    log_a: Floats  # wealth of bets on a, item by item of the longest answered prefix
    log_b: Floats
    claims: frozenset[str]


class Duel(Labeling):
    r"""Which of two predictors a, b errs less: :math:`\Delta = err(b) - err(a) > 0` or :math:`< 0`.

    Items are i.i.d.; both predictors were fixed before them. Where they agree they cannot differ, so only their
    disagreements are labeled, in one random order drawn before any label; the longest answered prefix counts. "a" is said
    once the wealth of bets on a, `log_sign_e_value`, reaches 2/δ, "b" for b; with a margin also "not worse by more than
    the margin" at 2/δ each, over all items in the order, items on which both agree being 0 and items without an answer
    the worst. Of these four claims at most two can be false at once: all together err with probability at most δ, whenever
    one stops. Rows that copy labeled rows are left out of the first two claims, which then speak of inputs that are no such
    copies, and are the worst case in everything else.

    Attributes:
        panel: Predictions of a and b.
        margin: In error rate; 0 for none.
        paired: The comparison on labeled test items, where those were given, at δ by itself.

    Example:
        >>> import numpy as np
        >>> a, b = np.zeros(50, dtype=int), np.repeat([0, 1], [40, 10])
        >>> duel = bounds.duel(a, b)
        >>> len(duel.to_label), duel.winner  # the disagreements; nothing said before labels
        (10, None)
    """

    kind: ClassVar[str] = "duel"

    def __init__(
        self, panel: Any, *, margin: float = 0.0, paired: Paired | None = None, **common: Any
    ) -> None:
        super().__init__(panel, **common)
        self.margin, self.paired = margin, paired
        self._seen: tuple[int, list[_Reading]] | None = None

    @property
    def names(self) -> tuple[str, str]:
        """Of a and b."""
        a, b = self.panel.names
        return a, b

    @cached_property
    def disagreement(self) -> Share:
        """The share of items on which they differ; of several readings of repeats the widest limits."""
        limits, level = [], self.delta / 2
        for rows in self.answers.readings:
            k = int(self.panel.differing(rows).sum())
            limits.append(
                (clopper_pearson_lower(k, len(rows), level), clopper_pearson_upper(k, len(rows), level))
            )
        lows, highs = zip(*limits, strict=True)
        return Share(len(self.panel.rows), self.panel.count, min(lows), max(highs))

    @property
    def verdict(self) -> Verdict:
        """Who errs less; "within margin" if both are not worse than the other by more than the margin."""
        claims = self.claims
        if "a" in claims:
            return "a"
        if "b" in claims:
            return "b"
        return "within margin" if {"a not worse", "b not worse"} <= claims else "undecided"

    @property
    def winner(self) -> str | None:
        """The name of the one that errs less, if that is decided."""
        return {"a": self.names[0], "b": self.names[1]}.get(self.verdict)

    @property
    def claims(self) -> frozenset[str]:
        """All that is certified at δ together, of "a", "b", "a not worse" and "b not worse" (by more than the margin)."""
        first, *others = (one.claims for one in self._readings)
        return first.intersection(*others)

    @property
    def e_values(self) -> dict[str, float]:
        """Wealth now of the bets on a and on b; a claim needs 2/δ at some time. Of two readings the smaller."""
        readings = self._readings
        return {
            "a": math.exp(min(min(float(one.log_a[-1]) for one in readings), 700.0)),
            "b": math.exp(min(min(float(one.log_b[-1]) for one in readings), 700.0)),
        }

    @property
    def counts(self) -> dict[str, int]:
        """Answers of the longest answered prefix: only a right, only b right, neither, cannot tell."""
        one = self._readings[0]
        return {"a": one.plus, "b": one.minus, "neither": one.neither, "cannot tell": one.unsure}

    @property
    def interval(self) -> Interval:
        """Limits of Δ = err(b) − err(a) that hold with probability 1 − δ whenever one stops; see `interval_at`."""
        return self.interval_at(self.delta)

    @checked()
    def interval_at(self, delta: float) -> Interval:
        r"""Limits of Δ at another failure probability, by itself.

        The share P(D) of disagreements has Clopper-Pearson limits P⁻, P⁺ at δ/4 each, E[o | D] a sequence of limits
        θ⁻, θ⁺ at δ/4 each (`mean_upper_sequence`); Δ⁺ = P⁺θ⁺ if θ⁺ ≥ 0, else P⁻θ⁺, and Δ⁻ alike. Of two
        readings of repeats the hull.
        """
        found = [self._interval(rows, delta) for rows in self.answers.readings]
        return min(low for low, _ in found), max(high for _, high in found)

    def _interval(self, rows: Rows, delta: float) -> Interval:
        """Of one reading."""
        low, high = self._outcomes(rows, leaked=True)
        here = int(self.panel.differing(rows).sum())
        share_low = clopper_pearson_lower(here, len(rows), delta / 4)
        share_high = clopper_pearson_upper(here, len(rows), delta / 4)
        top = 2.0 * mean_upper_sequence((high + 1) / 2, delta / 4) - 1.0
        bottom = 1.0 - 2.0 * mean_upper_sequence((1 - low) / 2, delta / 4)
        upper = (share_high if top >= 0 else share_low) * top
        lower = (share_low if bottom >= 0 else share_high) * bottom
        return max(lower, -1.0), min(upper, 1.0)

    @property
    def fixed_size(self) -> Paired:
        """The exact comparison once every disagreement has an answer, valid if that was the plan from the start.

        Raises:
            NotApplicable: disagreements without an answer.
        """
        if len(left := self.to_label):
            raise NotApplicable(
                f"{len(left)} disagreements have no answer yet; the exact comparison needs all."
            )
        rows = self.panel.rows
        a, b = np.zeros((2, self.panel.count), np.int32)
        a[rows], b[rows] = self.panel.predicted
        labels = np.full(self.panel.count, MISSING)
        labels[rows] = self._labels(rows)
        return paired(a, b, labels, self.delta, self.panel.first, self.answers.repeats)

    @property
    def labels_needed(self) -> int | None:
        """About how many more labels a decision needs at the rate seen so far; None where none is in sight."""
        if self.verdict != "undecided":
            return 0
        one = self._readings[0]
        more = signs_needed(one.plus, one.minus, self.delta / 2)
        signs = one.plus + one.minus
        if more is None:
            return None
        needed = math.ceil(more * (signs + one.neither + one.unsure) / signs)
        return needed if needed <= len(self.to_label) else None

    @checked(error_of_a=_unit, delta_of_a=RULES["delta"])
    def error_of_b(self, error_of_a: float, delta_of_a: float, delta: float) -> float:
        """err(b) ≤ (a limit of err(a)) + Δ⁺, with probability 1 − (δ of the limit) − δ.

        For J predictors b, each with its own duel against the same a, give δ/J to each; b was fixed before the labels.

        Raises:
            InvalidOption: levels that leave nothing, or a limit outside [0, 1].
        """
        if delta_of_a + delta >= 1.0:
            raise InvalidOption(
                f"`delta_of_a` and `delta` must sum to less than 1, got {delta_of_a} and {delta}."
            )
        return min(1.0, max(0.0, error_of_a + self.interval_at(delta)[1]))

    @property
    def _readings(self) -> list[_Reading]:
        if self._seen is None or self._seen[0] != self.labels:
            self._seen = self.labels, [self._read(rows) for rows in self.answers.readings]
        return self._seen[1]

    def _labels(self, rows: Rows) -> Rows:
        """Answers; copies of labeled rows are never asked and count as `UNSURE`."""
        found = self.answers.labels(rows)
        return found if self.panel.leaked is None else np.where(self.panel.leaked[rows], UNSURE, found)

    def _outcomes(self, rows: Rows, leaked: bool) -> tuple[Floats, Floats]:
        """Smallest and largest o of the disagreements among these rows, in order, up to the first without an answer."""
        rows = rows[self.panel.differing(rows)]
        if not leaked and self.panel.leaked is not None:
            rows = rows[~self.panel.leaked[rows]]
        labels = self._labels(rows)
        missing = np.flatnonzero(labels == MISSING)
        stop = missing[0] if len(missing) else len(rows)
        rows, labels = rows[:stop], labels[:stop]
        a, b = self.panel.predicted[:, self.panel.place(rows)]
        right = (a == labels).astype(np.float64) - (b == labels)
        unsure = labels == UNSURE
        return np.where(unsure, -1.0, right), np.where(unsure, 1.0, right)

    def _read(self, rows: Rows) -> _Reading:
        low, high = self._outcomes(rows, leaked=False)
        start = np.zeros(1)
        up, down = (np.concatenate([start, np.cumsum(low == sign)]) for sign in (1.0, -1.0))
        high_up, high_down = (np.concatenate([start, np.cumsum(high == sign)]) for sign in (1.0, -1.0))
        log_a, log_b = log_sign_e_value(up, down), log_sign_e_value(high_down, high_up)
        level = self.delta / 2
        claims = {name for name, log in (("a", log_a), ("b", log_b)) if reaches(log, level)}
        if self.margin:
            everywhere = self.panel.differing(rows)
            least, largest = self._outcomes(rows, leaked=True)
            for name, seen in (("a", least), ("b", -largest)):
                outcomes = np.zeros(len(rows))
                outcomes[everywhere] = np.concatenate(
                    [seen, np.full(int(everywhere.sum()) - len(seen), -1.0)]
                )
                if reaches(log_margin_e_values(outcomes, self.margin), level):
                    claims.add(f"{name} not worse")
        unsure = int((low != high).sum())
        plus, minus = int((low == 1).sum()), int((high == -1).sum())
        return _Reading(
            plus, minus, len(low) - plus - minus - unsure, unsure, log_a, log_b, frozenset(claims)
        )

    def _options(self) -> dict[str, Any]:
        return {"margin": self.margin}

    def __str__(self) -> str:
        return str(rendered("duels.text:duel_text", self))
