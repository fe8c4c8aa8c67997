"""`simclr` and `simclr_logistic`: the contrastive bound of Arora et al. (2019) for the mean classifier.

L_sup(μ) ≤ (L̂_un + (ℓ(−s²r) − ℓ(s²r))·√(ln(|S|J/δ)/(2⌊m/(k + 1)⌋)) − Col)/(1 − τ_k),  ℓ hinge or log₂(1 + Σe^{−v}),
Col = τ_k, or E log₂(1 + collisions); at the class counts of the pairs plus the range times their distance from the prior.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Literal

import sympy as sp

from bounds.arguments import shown
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.contrastive import AllPairs, all_pairs
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import hoeffding
from bounds.proofs.lemmas.margins import (
    HINGE,
    LOGISTIC,
    collision_limits,
    computed,
    fewest_collisions,
    jensen_between,
    jensen_over_views,
    largest_loss,
    margin_loss,
    mean_classifier,
)
from bounds.proofs.terms import UMean
from bounds.summaries.collisions import (
    collision_interval,
    collision_probability,
    expected_log_collisions,
    no_collision_probability,
    task_weight,
)
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.contrastive_inputs import (
    block_shares,
    known_prior,
    losses_of_blocks,
    measured,
    measured_note,
    negatives_option,
    pair_shares,
    sampling_values,
    something_left,
    thinned,
)
from bounds.theorems.vocabulary import (
    ENCODERS,
    SCALES,
    K,
    S,
    collision,
    concluded,
    contrastive_loss,
    delta_collision,
    delta_loss,
    f,
    log_collisions,
    negatives,
    no_collision,
    rounding,
    scale,
    thinned_pairs,
)

SOURCE = (
    "Arora, Khandeparkar, Khodak, Plevrakis and Saunshi, A Theoretical Analysis of Contrastive Unsupervised "
    "Representation Learning, ICML 2019, arXiv:1902.09229, Theorem 4.1 with explicit constants"
)
# Multiples of f/B at which the bound is evaluated: its own scale; the option `contrastive_scales` takes a grid,
# paid for in δ.
RELATIVE_SCALES = (1.0,)
Loss = Literal["hinge", "logistic"]
Collisions = Literal["prior", "classes", "fewest", "most", "unknown"]


@cache
def proof(
    loss: Loss, *, many: bool, thinned: bool, conditioned_pairs: bool, collisions: Collisions
) -> Conclusion:
    """Jensen over the views and a U-statistic; collisions by the prior, or for one negative by what is known of it.

    A pool whose class counts were fixed is thinned, or kept whole at the price of its distance to the prior.
    """
    kind = {"hinge": HINGE, "logistic": LOGISTIC}[loss]
    k = negatives if many and collisions == "prior" else sp.S.One
    goal = mean_classifier(kind, f, k, scale)
    if collisions == "unknown":
        return concluded(largest_loss(kind, f, k, scale), goal)
    pairs = thinned_pairs(thinned, fixed=conditioned_pairs and not thinned)
    term = margin_loss(kind, f, k, scale)
    sampled = hoeffding(
        UMean(pairs, term), delta_loss, "contrastive loss over the pairs", over=(SCALES, ENCODERS)
    ).chain(computed(UMean(pairs, term), contrastive_loss, rounding))
    if collisions == "prior":
        logs = log_collisions if many and loss == "logistic" else None
        found = jensen_over_views(kind, f, k, scale, no_collision, collision, logs)
        return concluded(found.chain(sampled).isolate(goal), goal)
    low, high = collision_limits(S, delta_collision)
    limit = {"classes": fewest_collisions(K), "fewest": low, "most": high}[collisions]
    return concluded(jensen_between(kind, f, k, scale, sampled, limit), goal)


def _proof_for(loss: Loss) -> Callable[..., Conclusion]:
    def proven(
        *,
        many: bool = False,
        thinned: bool = False,
        conditioned_pairs: bool = False,
        collisions: Collisions = "prior",
    ) -> Conclusion:
        return proof(
            loss, many=many, thinned=thinned, conditioned_pairs=conditioned_pairs, collisions=collisions
        )

    return proven


def _inputs(loss: Loss, evidence: Evidence, delta: float) -> Inputs:
    k, grid = negatives_option(evidence, 1), _scales(evidence)
    if evidence.m < 2:
        raise NotApplicable("needs at least two pairs, one of them as the negative.")
    split, known, ways = _collisions(evidence, delta, k)
    if k == 1:
        split |= pair_shares(evidence, split["delta_loss"])
        pairs = _all_pairs(evidence, grid, split)
        means, roundings = getattr(pairs, loss), getattr(pairs, loss + "_rounding")
    else:
        split |= block_shares(evidence, split["delta_loss"])
        found = losses_of_blocks(evidence, k, grid, split)
        means, roundings = getattr(found, loss), (0.0,) * len(grid)
    common = {
        **sampling_values(evidence, k, thinned(evidence, split).count),
        "scales": len(grid),
        **known,
        **split,
    }
    if k > 1 and loss == "logistic":
        common["log_collisions"] = expected_log_collisions(known_prior(evidence), k)
    at_scales = [
        {**common, "scale": s, "contrastive_loss": mean, "rounding": rounding}
        for s, mean, rounding in zip(grid, means, roundings, strict=True)
    ]

    def bound(way: Collisions, values: Mapping[str, float]) -> Inputs:
        conclusion = proof(
            loss,
            many=k > 1,
            thinned="delta_classes" in split,
            conditioned_pairs=evidence.setting.conditioned_pairs,
            collisions=way,
        )
        s = values["scale"]
        note = measured_note(evidence, measured(evidence, s), loss)
        return Inputs.proven(conclusion, values, split, None, (note,), axis=_axis(evidence, loss, k, s))

    # (L − t)/(1 − t) falls in t for L ≤ 1 and grows for L ≥ 1, where a lower limit of the collisions no longer serves.
    for way in ways:
        if tried := [one for values in at_scales if (one := bound(way, values)).applies]:
            return min(tried, key=lambda one: one.value)
    raise NotApplicable("has no limit of the collisions that serves its loss.")


def _axis(evidence: Evidence, loss: str, k: int, scale: float) -> Axis:
    trivial = 1.0 if loss == "hinge" else math.log2(1 + k)
    classes = "two-class" if k == 1 else f"{k}-negative"
    unit = f"{classes} {loss} loss of the mean classifier with true class means, at scale s = {scale:g}"
    prior = evidence.setting.prior
    if prior is None or not (weight := task_weight(prior, k)):
        return Axis(f"{classes} {loss}", unit, "none", trivial=trivial)
    return Axis(f"{classes} {loss}", unit, "linear", no_collision_probability(prior, k) / weight, trivial)


def _radius(evidence: Evidence) -> float:
    """B, or the longest vector seen where that refutes B (and no certificate is left to spoil)."""
    declared, seen = evidence.setting.radius, evidence.pair_moments.max_norm
    return declared if seen <= declared * (1 + 1e-9) else seen


def _scales(evidence: Evidence) -> tuple[float, ...]:
    default = [s / _radius(evidence) for s in RELATIVE_SCALES]
    grid: Any = evidence.setting.options.get("contrastive_scales", default)
    if not isinstance(grid, list | tuple) or not grid:
        raise InvalidOption(f"`contrastive_scales` must be a list of positive numbers, got {shown(grid)}.")
    return tuple(float(s) for s in grid)


def _all_pairs(evidence: Evidence, grid: tuple[float, ...], split: Mapping[str, float]) -> AllPairs:
    table = thinned(evidence, split)
    return memo(
        evidence,
        ("all_pairs", grid, split.get("delta_classes")),
        lambda: all_pairs(
            table, grid, radius=_radius(evidence), device=evidence.device, processes=evidence.processes
        ),
    )


def _collisions(
    evidence: Evidence, delta: float, k: int
) -> tuple[dict[str, float], dict[str, float], tuple[Collisions, ...]]:
    """Shares of δ, what is known about collisions, and the proofs that use it, in the order they are tried."""
    prior = evidence.setting.prior
    mode = evidence.setting.options.get("collision", "floor" if prior is None else "prior")
    if mode not in ("prior", "floor", "estimate"):
        raise InvalidOption(f"`collision` must be 'prior', 'floor' or 'estimate', got {shown(mode)}.")
    if mode == "prior":
        known = known_prior(evidence)
        numbers = {"collision": collision_probability(known, k), "no_collision": something_left(known, k)}
        return {"delta_loss": delta}, numbers, ("prior",)
    if k > 1:
        raise NotApplicable("needs the class prior for more than one negative; pass `class_prior`.")
    classes = evidence.setting.num_classes
    if classes < 2:
        raise NotApplicable("needs at least two classes.")
    if mode == "floor":
        return {"delta_loss": delta}, {}, ("classes", "unknown")
    low, high = collision_interval(evidence.classes.counts, delta / 2)
    # τ_c ≥ 1/K needs every class counted, and labels show only those they have.
    number = evidence.setting.assumptions.get("K")
    counted = number is not None and number.holds and 1 / classes > low
    split = {"delta_loss": delta / 2, "delta_collision": delta / 2}
    limits = {"collision_low": low, "collision_high": high}
    return split, limits, ("classes" if counted else "fewest", "most")


TEXTS = {
    "contrastive_loss": (
        "mean contrastive loss over all ordered pairs of items",
        "views closer than other items",
    ),
    "collisions": ("negatives of the anchor's own class, which no encoder can push away", "more classes"),
    "log_collisions": ("the same, of which several cost the logarithm of their number", "more classes"),
    "constant": ("loss of a margin of zero", ""),
    "rounding": ("bound on the rounding of float32 products", "float64 products"),
    "pair_frequencies": ("class counts of a finite pool of pairs against the prior", "a balanced pool"),
    "largest_loss": (
        "the contrastive loss is no better than a constant encoder's",
        "a better encoder, more pairs",
    ),
}

_LOSSES: tuple[tuple[str, Loss], ...] = (("simclr", "hinge"), ("simclr_logistic", "logistic"))

SIMCLR, SIMCLR_LOGISTIC = (
    Theorem(
        name=name,
        title=f"SimCLR (contrastive) bound, {loss} loss",
        source=SOURCE,
        statement=r"L_{sup}^{\mu}(s f)",
        predictor="mean classifier with the true class means, which nobody has; not W_S",
        inputs=partial(_inputs, loss),
        options=("negatives", "collision", "contrastive_scales"),
        texts=TEXTS,
        axis=Axis(f"two-class {loss}", f"two-class {loss} loss of the mean classifier", "none"),
        proof=_proof_for(loss),
    )
    for name, loss in _LOSSES
)
