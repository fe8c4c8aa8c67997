"""Theorems on evidence: every bound asked for, and the best of them made valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bounds.evaluation.best import applicable, best, weights
from bounds.evaluation.progress import followed
from bounds.evaluation.quantities import measured_losses, quantities
from bounds.evaluation.tested import tested
from bounds.evidence.evidence import Evidence
from bounds.report.contradictions import withheld
from bounds.report.deployment import Deployment
from bounds.report.report import Report
from bounds.theorems import Bound, Theorem
from bounds.theorems.repeated import attempted
from bounds.theorems.written import changed


def report_on(
    evidence: Evidence,
    theorems: Sequence[Theorem],
    delta: float,
    name: str,
    simultaneous: bool = False,
    record: Mapping[str, Any] | None = None,
    deployment: Deployment | None = None,
    notes: tuple[str, ...] = (),
    progress: bool = False,
) -> Report:
    """Evaluate theorems on evidence: the part of `evaluate` after the encoder has run.

    With `simultaneous`, δ is shared by weights fixed before the data over the theorems whose inputs are given. With
    `deployment` every bound gives its predictor; with `progress` a bar is shown where it takes long.

    Args:
        evidence: Summaries of the data.
        theorems: In the order of the report.
        delta: Failure probability of each.
        name: Of the report.
        record, notes: Its provenance and notes.
        simultaneous, deployment, progress: As above.

    Example:
        >>> import numpy as np
        >>> from bounds.evaluation import report_on
        >>> from bounds.theorems import select
        >>> from bounds.worlds import WORLDS
        >>> evidence = WORLDS["gaussian"]().sample(np.random.default_rng(0)).evidence
        >>> list(report_on(evidence, select(["test_set"]), 0.05, "a world").bounds)
        ['test_set']
    """
    share = weights(applicable(theorems, evidence)) if simultaneous else {}
    found: dict[str, Bound] = {}
    refused: dict[str, str] = {}
    for theorem in followed(theorems, progress):
        outcome = attempted(theorem, evidence, delta * share.get(theorem.name, 1.0))
        if isinstance(outcome, Bound):
            found[theorem.name] = changed(outcome, deployment=deployment)
        else:
            refused[theorem.name] = outcome
    measured = measured_losses(evidence, found)
    found = withheld(evidence, found, measured)
    smallest, candidates = best(evidence, theorems, found, delta, measured)
    report = Report(
        name=name,
        delta=delta,
        simultaneous=simultaneous,
        bounds=found,
        not_applicable=refused,
        quantities=quantities(evidence),
        measured=measured,
        assumptions=evidence.setting.assumptions,
        best=None if smallest is None else changed(smallest, deployment=deployment),
        candidates=candidates,
        provenance={**(record or {}), "head": evidence.head.name},
        class_names=evidence.setting.class_names,
        notes=notes,
        tested=tested(evidence, record or {}),
        evidence=evidence,
    )
    if deployment is not None:
        deployment.report = report
    return report
