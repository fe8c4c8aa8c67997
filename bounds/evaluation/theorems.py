"""Theorems on evidence: every bound asked for, and the best of them made valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bounds.evaluation.quantities import measured_losses, quantities
from bounds.evidence.evidence import Evidence
from bounds.report.contradictions import withheld
from bounds.report.deployment import Deployment
from bounds.report.report import Report
from bounds.theorems import Bound, Theorem


def report_on(
    evidence: Evidence,
    theorems: Sequence[Theorem],
    delta: float,
    name: str,
    simultaneous: bool = False,
    record: Mapping[str, Any] | None = None,
    deployment: Deployment | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    """Evaluate theorems on evidence: the part of `evaluate` after the encoder has run.

    With `simultaneous`, δ is divided by the number of theorems asked for, which is known before the data. With
    `deployment` every bound gives its predictor.
    """
    level = delta / len(theorems) if simultaneous else delta
    found: dict[str, Bound] = {}
    refused: dict[str, str] = {}
    for theorem in theorems:
        outcome = theorem.attempt(evidence, level)
        if isinstance(outcome, Bound):
            found[theorem.name] = replace(outcome, deployment=deployment)
        else:
            refused[theorem.name] = outcome
    measured = measured_losses(evidence, found)
    found = withheld(evidence, found, measured)
    best, candidates = _best(evidence, theorems, found, delta, measured)
    report = Report(
        name=name,
        delta=delta,
        simultaneous=simultaneous,
        bounds=found,
        not_applicable=refused,
        quantities=quantities(evidence),
        measured=measured,
        assumptions=evidence.setting.assumptions,
        best=None if best is None else replace(best, deployment=deployment),
        candidates=candidates,
        provenance={**(record or {}), "head": evidence.head.name},
        class_names=evidence.setting.class_names,
        notes=notes,
        evidence=evidence,
    )
    if deployment is not None:
        deployment.report = report
    return report


def _best(
    evidence: Evidence,
    theorems: Sequence[Theorem],
    found: Mapping[str, Bound],
    delta: float,
    measured: Mapping[str, Mapping[str, float]],
) -> tuple[Bound | None, tuple[str, ...]]:
    """Smallest certified error rate, each candidate at δ over their number, so that the choice is paid for."""
    chosen = [
        theorem
        for theorem in theorems
        if theorem.name in found
        and found[theorem.name].certified
        and found[theorem.name].error_rate is not None
    ]
    names = tuple(theorem.name for theorem in chosen)
    if not chosen:
        return None, names
    outcomes = {theorem.name: theorem.attempt(evidence, delta / len(chosen)) for theorem in chosen}
    # A few theorems need more data at a smaller δ.
    at_share = {name: bound for name, bound in outcomes.items() if isinstance(bound, Bound)}
    candidates = [bound for bound in withheld(evidence, at_share, measured).values() if bound.certified]
    if not candidates:
        return None, names
    best = min(candidates, key=lambda bound: bound.error_rate or 0.0)
    note = f"chosen after looking, from {len(chosen)} certified bounds at δ/{len(chosen)} each: valid at δ = {delta:g}"
    return replace(best, notes=(*best.notes, note)), names
