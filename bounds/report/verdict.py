"""What a report says, in the order of a reader's questions: how good, how sure, why, what to do, what to beware of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from bounds.report.families import Family

Outcome = Literal["certified", "vacuous", "nothing"]


@dataclass(frozen=True)
class Measured:
    """An error rate on test items.

    Attributes:
        error: Share of mistakes.
        items: Test items it is measured on.
        interval: Two-sided Clopper-Pearson interval at the report's confidence; None where the items are not known to be
            fresh (H), as an interval then says nothing.
    """

    error: float
    items: int
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class Advice:
    """One thing to do, and what it would come to."""

    what: str
    effect: str


@dataclass(frozen=True)
class Verdict:
    """The answer of a report.

    Attributes:
        outcome: "certified" (an informative certificate), "vacuous" (certificates, none of which beats a constant), or
            "nothing" (no certificate on the error axis).
        answer: It in one sentence.
        bound: Name of the bound it rests on, or that comes nearest; None in an empty report.
        head: The head it is about, in words.
        error: That bound's error rate.
        confidence: 1 − δ.
        measured: What was measured for that head.
        wrong: What is wrong with the data: copies, and assumptions that they refute.
        advice: What would lower it.
        cautions: What to know.
        families: The bounds by family.

    Example:
        >>> import numpy as np
        >>> y = np.arange(120) % 2
        >>> z = np.eye(2)[y] + 0.1 * np.random.default_rng(0).random((120, 2))  # two classes well apart
        >>> report = bounds.evaluate(None, (z[:20], y[:20]), test=(z[20:], y[20:]), fresh=True, bounds="test_set")
        >>> report.verdict.outcome, report.verdict.bound, round(report.verdict.error, 4)
        ('certified', 'test_set', 0.0295)
    """

    outcome: Outcome
    answer: str
    bound: str | None
    head: str | None
    error: float | None
    confidence: float
    measured: Measured | None
    wrong: tuple[str, ...]
    advice: tuple[Advice, ...]
    cautions: tuple[str, ...]
    families: tuple[Family, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain Python, ready for JSON; families by the names of their bounds."""
        plain = {key: value for key, value in vars(self).items() if key != "families"}
        plain["measured"] = None if self.measured is None else asdict(self.measured)
        plain["advice"] = [asdict(one) for one in self.advice]
        plain["wrong"] = list(self.wrong)
        plain["cautions"] = list(self.cautions)
        plain["families"] = {
            one.name: {"best": one.best.name, "bounds": [bound.name for bound in one.bounds]}
            for one in self.families
        }
        return plain
