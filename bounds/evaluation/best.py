"""Shares of δ fixed before the data, so that the smallest of several bounds can be named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bounds.evidence.evidence import Evidence
from bounds.report.contradictions import withheld
from bounds.theorems import Bound, Theorem
from bounds.theorems.repeated import attempted
from bounds.theorems.written import changed

# The theorem that counts errors, alone nearly always the best, keeps most of δ: three quarters cost its limit little
# (8 of 297: 8.6 % of its width), and hopeless candidates beside it nothing.
COUNTING = ("test_set", "held_out")
_COUNTING_WEIGHT = 0.75


def applicable(theorems: Sequence[Theorem], evidence: Evidence) -> list[Theorem]:
    """Bounds whose inputs are given: decided by what was handed in, never by what is in it."""
    return [
        theorem
        for theorem in theorems
        if theorem.kind == "bound"
        and (evidence.test is not None or "H" not in theorem.needs)
        and (evidence.pairs is not None or not {"A1", "A3"} & set(theorem.needs))
    ]


def on_errors(theorems: Sequence[Theorem]) -> list[Theorem]:
    """Those that say something about an error rate."""
    return [theorem for theorem in theorems if theorem.axis.error_rate(0.5) is not None]


def weights(theorems: Sequence[Theorem]) -> dict[str, float]:
    """Share of δ of each: ¾ for the first counting theorem, the rest in equal parts; they sum to one."""
    names = [theorem.name for theorem in theorems]
    first = next((name for name in COUNTING if name in names), None)
    if first is None or len(names) == 1:
        return dict.fromkeys(names, 1.0 / max(1, len(names)))
    rest = (1.0 - _COUNTING_WEIGHT) / (len(names) - 1)
    return {name: _COUNTING_WEIGHT if name == first else rest for name in names}


def best(
    evidence: Evidence,
    theorems: Sequence[Theorem],
    found: Mapping[str, Bound],
    delta: float,
    measured: Mapping[str, Mapping[str, float]],
) -> tuple[Bound | None, tuple[str, ...]]:
    """Smallest certified error rate, each candidate at its share of δ: valid at δ for the predictor it names.

    A candidate that turns out inapplicable or uncertified loses its share.

    Args:
        evidence: The data.
        theorems: Those asked for.
        found: Their bounds, which say what is certified.
        delta: Failure probability of the choice.
        measured: Test losses of each head, which may contradict a candidate.

    Returns:
        The bound or None, and the names of all candidates.
    """
    candidates = on_errors(applicable(theorems, evidence))
    share = weights(candidates)
    outcomes = {
        theorem.name: attempted(theorem, evidence, delta * share[theorem.name])
        for theorem in candidates
        if theorem.name in found and found[theorem.name].certified
    }
    # A few theorems need more data at a smaller δ.
    at_share = {name: bound for name, bound in outcomes.items() if isinstance(bound, Bound)}
    chosen = [
        bound
        for bound in withheld(evidence, at_share, measured).values()
        if bound.certified and bound.error_rate is not None
    ]
    if not chosen:
        return None, tuple(share)
    smallest = min(chosen, key=lambda bound: bound.error_rate or 0.0)
    note = (
        f"chosen after looking, from {len(share)} candidates at shares of δ fixed before the data "
        f"({share[smallest.name]:.2g}·δ for this one): valid at δ = {delta:g}"
    )
    return changed(smallest, notes=(*smallest.notes, note)), tuple(share)
