"""Certificates against what was measured: a bound below a lower limit of what it bounds has an assumption that fails."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import Losses, test_apart
from bounds.heads.fitted import FittedHead
from bounds.heads.linear import Head
from bounds.heads.losses import item_losses
from bounds.summaries.limits import clopper_pearson_lower, kl_inverse
from bounds.summaries.totals import Totals
from bounds.theorems.bound import Bound
from bounds.theorems.common import loss_range
from bounds.theorems.written import changed

FAILURE = 1e-6  # of a lower limit: how often a valid bound may be withheld
_LOSSES = ("loss", "projected_loss", "squared_loss", "error")  # columns of `item_losses`
_NAMES = {"loss": "loss", "projected_loss": "projected loss", "error": "error rate"}


def withheld(
    evidence: Evidence, found: Mapping[str, Bound], measured: Mapping[str, Mapping[str, float]]
) -> dict[str, Bound]:
    """The bounds, those marked that are certified and below a lower limit of their own head's error or loss.

    Where a bound is contradicted one of its assumptions fails, so that every bound with all of these rests on it too.

    Args:
        evidence: With test items, or nothing is checked.
        found: Name to bound.
        measured: Head name to measured losses on the test items.
    """
    return _with_relatives(_checked_on_test(evidence, found, measured))


def _checked_on_test(
    evidence: Evidence, found: Mapping[str, Bound], measured: Mapping[str, Mapping[str, float]]
) -> dict[str, Bound]:
    # No lower limit exceeds the measured mean, so the rows are read only where a bound lies below that.
    suspects = {
        name: bound
        for name, bound in found.items()
        if bound.certified
        and (seen := measured.get(bound.head or ""))
        and any(value < seen[loss] for loss, value in claims(bound).items())
    }
    if not suspects:
        return dict(found)
    wanted = {bound.head for bound in suspects.values()}
    heads = {head.name: head for head in evidence.known_heads() if head.name in wanted}
    limits = lower_limits(evidence, heads)
    return {
        name: _checked(bound, limits[bound.head or ""]) if bound.head in limits else bound
        for name, bound in found.items()
    }


def _with_relatives(found: dict[str, Bound]) -> dict[str, Bound]:
    contradicted = [
        bound
        for bound in found.values()
        if bound.kind == "bound" and bound.contradiction is not None and not bound.failing
    ]
    for name, bound in found.items():
        cause = next((one for one in contradicted if set(one.assumptions) <= set(bound.assumptions)), None)
        if bound.certified and cause is not None:
            reason = f"it rests on every assumption of `{cause.name}`, which is contradicted"
            found[name] = changed(bound, contradiction=reason)
    return found


def claims(bound: Bound) -> dict[str, float]:
    """What a bound says of its head from above on test items: name of the loss to its limit."""
    found: dict[str, float] = {}
    if bound.axis.name in ("error", "loss") and bound.error_rate is not None:
        found["error"] = bound.error_rate
    if bound.axis.name == "loss":
        found["projected_loss" if "\\Pi" in bound.statement else "loss"] = bound.value
    return found


def lower_limits(evidence: Evidence, heads: Mapping[str, FittedHead]) -> dict[str, dict[str, float]]:
    """Lower limits of each head's error and losses at confidence 1 − FAILURE each, robust to copies among the rows."""
    apart = test_apart(evidence)
    rows = _losses_by_row(evidence, heads)
    found = {}
    for (name, head), losses in zip(heads.items(), rows, strict=True):
        counts = apart.lower(losses[3] > 0.5)
        found[name] = {
            "error": clopper_pearson_lower(counts.mistakes, counts.trials, FAILURE),
            "projected_loss": _mean_limit(apart.losses_from_below(losses[1]), math.sqrt(2.0)),
        }
        if isinstance(head, Head):  # the range of the loss is that of linear scores
            found[name]["loss"] = _mean_limit(
                apart.losses_from_below(losses[0]), loss_range(head, evidence.setting.radius)
            )
    return found


def _mean_limit(losses: Losses, largest: float) -> float:
    """Hoeffding's kl form, for losses in [0, largest], from below."""
    share = min(1.0, losses.mean / largest)
    return largest * max(0.0, 1.0 - kl_inverse(1.0 - share, math.log(1 / FAILURE) / losses.trials))


def _losses_by_row(evidence: Evidence, heads: Mapping[str, FittedHead]) -> NDArray[np.float64]:
    """`item_losses` of each head on every test row, (heads, 4, N), in every process."""
    table = evidence.need_test()
    found = torch.zeros(len(heads), len(_LOSSES), table.count, dtype=torch.float64)
    at, _ = evidence.processes.share(table.count)
    for views, labels in evidence.own_chunks(table):
        if labels is not None:
            for j, head in enumerate(heads.values()):
                found[j, :, at : at + len(labels)] = item_losses(head(views[0]), labels).T.cpu()
            at += len(labels)
    return evidence.merged(Totals(found)).values.numpy()


def _checked(bound: Bound, limits: Mapping[str, float]) -> Bound:
    if not bound.certified:
        return bound
    for loss, value in claims(bound).items():
        if value < limits.get(loss, 0.0):
            reason = (
                f"it says {_NAMES[loss]} ≤ {value:.4g}, but on the test items that of its own head is at least "
                f"{limits[loss]:.4g} (at {FAILURE:g}): one of its assumptions must fail ({', '.join(bound.assumptions)}), "
                f"or the test items are not from its population; chance alone does this at most with δ = {bound.delta:g}"
            )
            return changed(bound, contradiction=reason)
    return bound
