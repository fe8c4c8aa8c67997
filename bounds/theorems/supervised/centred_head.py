"""`centred_head`, `centred_head_error`: the head on all of S, near a head learned on a part of it.

E‖Π(W_S f) − y‖ ≤ r̂_Q + 2C/√|Q| + √2·√(ln(M/(δ₂w_j))/(2|Q|)),  C = √(π/2)·β_j·√(K·V⁺),  β_j ≥ ‖(W_S − W₀)A‖_F,
V⁺ the empirical Bernstein limit of E‖A⁻¹f(x)‖² at δ₁/M. The error by ramps of width γ: ρ̂_Q, (√2/γ)·2C/√|Q|, range 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from bounds.evidence.evidence import Evidence
from bounds.evidence.gaussian_heads import RIDGES, metrics
from bounds.evidence.memo import memo
from bounds.evidence.shares import PRIOR_SHARES
from bounds.evidence.splits import fitting_head, held_out_chunks, held_out_count
from bounds.heads.linear import require_linear
from bounds.heads.margins import Metric
from bounds.heads.simplex import project_simplex
from bounds.proofs.conclude import Conclusion
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.centred import near_ball, ramp
from bounds.proofs.lemmas.concentration import bernstein, uniform
from bounds.proofs.terms import E, Energy, Mean, Rad
from bounds.summaries.moments import Moments
from bounds.theorems.axes import ERROR
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.head_class import radius_index
from bounds.theorems.vocabulary import (
    COUNTED,
    METRICS,
    NEAR_CENTRE,
    RADII,
    K,
    W,
    concluded,
    deltas,
    projected,
    wrong,
    y,
    z,
)
from bounds.theorems.vocabulary import MARGINS as WIDTHS

MARGINS = (0.1, 0.2, 0.4, 0.7, 1.0)
_SOURCE = "this package; Ledoux and Talagrand (1991); Maurer and Pontil (2009), Thm 4"


def _complexity(fact: Fact) -> Fact:
    """The complexity of the ball around the centre, its second moment measured on Q: the metric comes from the rest."""
    (complexity,) = fact.rhs.atoms(Rad)
    moment = bernstein(Mean(COUNTED, Energy(METRICS.chosen, z)), deltas[0], "second moment", over=(METRICS,))
    return fact.chain(near_ball(complexity, K), moment)


@cache
def loss() -> Conclusion:
    """Uniformly over heads near the centre, so that the head itself may use all of S."""
    mean = Mean(COUNTED, projected(W))
    fact = uniform(mean, deltas[1], NEAR_CENTRE, "head on Q", over=(RADII, METRICS))
    return concluded(_complexity(fact), E(projected(W)))


@cache
def error() -> Conclusion:
    """The ramp of the margin: 1/γ-Lipschitz in a margin that is √2-Lipschitz in the scores."""
    above = ramp(W, z, y, WIDTHS.chosen)
    fact = uniform(
        Mean(COUNTED, above.rhs), deltas[1], NEAR_CENTRE, "ramp on Q", over=(RADII, METRICS, WIDTHS)
    )
    return concluded(above.expect().chain(_complexity(fact)), E(wrong(W)))


@dataclass(frozen=True)
class _Part:
    """What Q says: the metrics with their distances, and moments of [projected residual, ramps..., ‖A⁻¹z‖²...]."""

    metrics: list[Metric]
    distances: list[float]
    moments: Moments


def _part(evidence: Evidence, count: int) -> _Part:
    head, prior = require_linear(evidence.head), require_linear(fitting_head(evidence, count))
    tried = metrics(evidence, count)
    moments = Moments.empty(1 + len(MARGINS) + len(tried))
    for rows, labels in held_out_chunks(evidence, count):
        columns = [_losses(head(rows), labels), Metric.spreads(tried, rows).square()]
        moments = moments.update(torch.cat(columns, dim=1).cpu())
    return _Part(tried, [metric.distance(head, prior) for metric in tried], moments)


def _losses(scores: Tensor, labels: Tensor) -> Tensor:
    """Projected residual, then the ramp of the margin at each width, (N, 1 + |Γ|)."""
    target = torch.nn.functional.one_hot(labels, scores.shape[1]).to(scores.dtype)
    residual = torch.linalg.vector_norm(project_simplex(scores) - target, dim=1, keepdim=True)
    rivals = scores.masked_fill(target.bool(), -torch.inf).amax(1, keepdim=True)
    margins = scores.gather(1, labels[:, None]) - rivals
    widths = torch.tensor(MARGINS, dtype=scores.dtype, device=scores.device)
    return torch.cat([residual, (1.0 - margins / widths).clamp(0.0, 1.0)], dim=1)


def _candidates(evidence: Evidence, delta: float, conclusion: Conclusion, widths: int) -> Inputs:
    """The best split, metric (and ramp) of the grid, each paid for."""
    split = shares(delta, "delta_1", "delta_2")
    found = []
    for share in PRIOR_SHARES:
        count = held_out_count(evidence, share, fewest=2)
        part = memo(evidence, ("centred head", count), lambda count=count: _part(evidence, count))  # type: ignore[misc]
        for i, (metric, distance) in enumerate(zip(part.metrics, part.distances, strict=True)):
            column = 1 + len(MARGINS) + i
            shared = {
                **radius_index(distance, 4),
                "head_shift": distance,
                "B": evidence.setting.radius,
                "n_Q": count,
                "K": evidence.setting.num_classes,
                "metrics": len(PRIOR_SHARES) * len(RIDGES),
                "thresholds": len(MARGINS),
                "projected_Q": float(part.moments.mean[0]),
                "second_moment": float(part.moments.mean[column]),
                "moment_variance": float(part.moments.variance[column]),
                "stretch": 1.0 / float(metric.root.min()),
                **split,
            }
            for j in range(widths):
                values = {**shared, "margin": MARGINS[j], "ramp_Q": float(part.moments.mean[1 + j])}
                found.append(Inputs.proven(conclusion, values, split, evidence.head))
    return min(found, key=lambda one: one.value)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return _candidates(evidence, delta, loss(), 1)


def _error_inputs(evidence: Evidence, delta: float) -> Inputs:
    return _candidates(evidence, delta, error(), len(MARGINS))


_TEXTS = {
    "labeled_residual": ("projected residual of the head on Q", "linear separability on S"),
    "ramp": ("margin loss of the head on Q", "larger margins"),
    "head_complexity": (
        "Rademacher complexity of heads near the one learned on P",
        "more labels, a stable head",
    ),
}

CENTRED_HEAD = Theorem(
    name="centred_head",
    title="supervised bound around a head learned on a part of S",
    source=_SOURCE,
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S on all of S, projected on the simplex",
    inputs=_inputs,
    texts=_TEXTS,
    proof=loss,
)

CENTRED_HEAD_ERROR = Theorem(
    name="centred_head_error",
    title="the same through the ramp of the margin",
    source=_SOURCE,
    statement=r"\mathbb{P}(\arg\max W_S f(x) \ne y)",
    predictor="head W_S as given by `head`, on all of S",
    inputs=_error_inputs,
    texts=_TEXTS,
    axis=ERROR,
    proof=error,
)
