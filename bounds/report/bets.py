"""What a limit by bets of constant stakes would be of more items, or of more shots: projections."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bounds.errors import NotApplicable
from bounds.summaries.constant_stakes import LOSS_STAKES, STAKES, TwoPoints
from bounds.theorems.bound import Bound


@dataclass(frozen=True)
class Bets:
    """A law of two points with the measured mean, whose limit is the bound's.

    Attributes:
        law: It, in units of the range.
        delta, stakes: Of the limit.
        mean, limit: Names of the symbols that it stands for.
        scale: Range of what is bet on.
        count: Items or episodes.
        shots: Labels of each class in an episode beside its query; 0 where there are none.
        slope: b of the measured curve a + b/m over the number of shots m; 0 where it has one point.
    """

    law: TwoPoints
    delta: float
    stakes: tuple[float, ...]
    mean: str
    limit: str
    scale: float
    count: int
    shots: int = 0
    slope: float = 0.0

    @classmethod
    def of(cls, bound: Bound) -> Bets | None:
        """Of a bound by betting; None for any other.

        Raises:
            NotApplicable: the limit is one, or the bound was saved without the spread of its episodes.
        """
        losses = "loss_limit" in bound.symbols
        if not losses and "episode_limit" not in bound.symbols:
            return None
        mean, limit = ("projected_H", "loss_limit") if losses else ("episode_error", "episode_limit")
        scale, stakes = (math.sqrt(2.0), LOSS_STAKES) if losses else (1.0, STAKES)
        if not bound.table:
            raise NotApplicable(
                f"`{bound.name}` does not say how what it bets on spreads; evaluate it again."
            )
        if not bound.symbols[limit] < scale:
            raise NotApplicable(
                f"`{bound.name}` has the largest limit there is, from which nothing can be projected; it needs more "
                "labels first."
            )
        rows = list(bound.table.values())
        delta, shots = next(iter(bound.split.values())), round(rows[0].get("shots", 0))
        law = TwoPoints.like(
            bound.symbols[mean] / scale,
            rows[0]["spread"] / scale,
            bound.symbols[limit] / scale,
            delta,
            stakes,
        )
        return cls(
            law,
            delta,
            stakes,
            mean,
            limit,
            scale,
            round(rows[0]["items" if losses else "episodes"]),
            shots,
            _slope(rows) if shots else 0.0,
        )

    @property
    def labels(self) -> int:
        """Labels, of each class where episodes hold all of them, in as many items as now."""
        return (self.shots + 1) * self.count

    def numbers(self, items: float, shots: float) -> dict[str, float]:
        """The symbols where there are so many times as many items or episodes, and shots."""
        mean = self.law.mean
        if shots != 1.0:
            mean = max(0.0, mean - self.slope / self.shots * (1 - 1 / shots))
        limit = self.law.upper(self.delta, self.stakes, times=items, mean=mean)
        return {self.mean: self.scale * mean, self.limit: self.scale * limit}

    def whole(self, labels: int, shots: float) -> tuple[int, int]:
        """Labels of each class in whole episodes, and shots, where there are so many times as many shots."""
        more = math.ceil(self.shots * shots * (1 - 1e-12))
        return (more + 1) * math.ceil(labels / (self.shots + 1)), more

    @property
    def note(self) -> str:
        """What is held fixed, and what n counts."""
        if self.mean != "episode_error":
            return "the spread of the losses is held as measured"
        fixed = "n counts the labels of each class that episodes use, whose spread is held as measured"
        if not self.slope:
            return fixed
        return f"{fixed}; the error of more shots is extrapolated from the measured curve, as a + b/m, b = {self.slope:.3g}"


def _slope(rows: list[Mapping[str, float]]) -> float:
    """Least squares of the errors on 1/m through the first of them; an error does not rise with more shots."""
    first = rows[0]
    apart = [(1 / row["shots"] - 1 / first["shots"], row["error"] - first["error"]) for row in rows[1:]]
    below = sum(x * x for x, _ in apart)
    return max(0.0, sum(x * e for x, e in apart) / below) if below else 0.0
