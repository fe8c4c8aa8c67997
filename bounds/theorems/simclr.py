"""`simclr` and `simclr_logistic`: the contrastive bound of Arora et al. (2019) for the mean classifier."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from bounds.arguments import shown
from bounds.assumptions.assumption import Assumption
from bounds.derivations import simclr as derivation
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.contrastive import AllPairs, all_pairs
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
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

SOURCE = (
    "Arora, Khandeparkar, Khodak, Plevrakis and Saunshi, A Theoretical Analysis of Contrastive Unsupervised "
    "Representation Learning, ICML 2019, arXiv:1902.09229, Theorem 4.1 with explicit constants"
)
# Multiples of f/B at which the bound is evaluated: its own scale; the option `contrastive_scales` takes a grid,
# paid for in δ.
SCALES = (1.0,)
UNKNOWN_CLASSES = Assumption("K", "unverifiable", "nothing was declared about the number of classes")


def _inputs(loss: derivation.Loss, evidence: Evidence, delta: float) -> Inputs:
    k, grid = negatives_option(evidence, 1), _scales(evidence)
    if evidence.m < 2:
        raise NotApplicable("needs at least two pairs, one of them as the negative.")
    split, collision, largest, known = _collisions(evidence, delta, k)
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
        "collision": collision,
        "no_collision": something_left(known_prior(evidence), k) if collision == largest else 1 - collision,
        "scales": len(grid),
        **split,
    }
    if k > 1 and loss == "logistic":
        common["log_collisions"] = expected_log_collisions(known_prior(evidence), k)
    whole_pool = evidence.setting.conditioned_pairs and "delta_classes" not in split
    expression = derivation.expression(loss, many=k > 1, conditioned_pairs=whole_pool and k == 1)

    def value(values: dict[str, float]) -> float:
        return expression.combined(expression.evaluate(values))

    values = min(
        (
            {**common, "scale": s, "contrastive_loss": mean, "rounding": rounding}
            for s, mean, rounding in zip(grid, means, roundings, strict=True)
        ),
        key=value,
    )
    # (L − τ)/(1 − τ) falls in τ below L = 1 and rises above, where the lower limit of τ no longer serves.
    if collision != largest and value(values) >= 1.0:
        if largest == 1.0:
            expression = derivation.largest_loss(loss)
        else:
            values |= {"collision": largest, "no_collision": 1 - largest}
    scale = values["scale"]
    note = measured_note(evidence, measured(evidence, scale), loss)
    axis = _axis(evidence, loss, k, scale)
    return Inputs(expression, values, split, None, (note,), axis, declared=known)


def _axis(evidence: Evidence, loss: str, k: int, scale: float) -> Axis:
    trivial = 1.0 if loss == "hinge" else math.log2(1 + k)
    classes = "two-class" if k == 1 else f"{k}-negative"
    unit = f"{classes} {loss} loss of the mean classifier with true class means, at scale s = {scale:g}"
    prior = evidence.setting.prior
    if prior is None or not (weight := task_weight(prior, k)):
        return Axis(f"{classes} {loss}", unit, "none", 1.0, trivial)
    return Axis(f"{classes} {loss}", unit, "linear", no_collision_probability(prior, k) / weight, trivial)


def _radius(evidence: Evidence) -> float:
    """B, or the longest vector seen where that refutes B (and no certificate is left to spoil)."""
    declared, seen = evidence.setting.radius, evidence.pair_moments.max_norm
    return declared if seen <= declared * (1 + 1e-9) else seen


def _scales(evidence: Evidence) -> tuple[float, ...]:
    default = [s / _radius(evidence) for s in SCALES]
    grid: Any = evidence.setting.options.get("contrastive_scales", default)
    if not isinstance(grid, list | tuple) or not grid:
        raise InvalidOption(f"`contrastive_scales` must be a list of positive numbers, got {shown(grid)}.")
    return tuple(float(s) for s in grid)


def _all_pairs(evidence: Evidence, grid: tuple[float, ...], split: Mapping[str, float]) -> AllPairs:
    table = thinned(evidence, split)
    return memo(
        evidence,
        ("all_pairs", grid, split.get("delta_classes", 0.0)),
        lambda: all_pairs(
            table, grid, radius=_radius(evidence), device=evidence.device, processes=evidence.processes
        ),
    )


def _collisions(
    evidence: Evidence, delta: float, k: int
) -> tuple[dict[str, float], float, float, tuple[Assumption, ...]]:
    """Shares of δ, the τ_k that serves for L < 1, the one that serves for L ≥ 1, and what they rest on."""
    prior = evidence.setting.prior
    mode = evidence.setting.options.get("collision", "floor" if prior is None else "prior")
    if mode not in ("prior", "floor", "estimate"):
        raise InvalidOption(f"`collision` must be 'prior', 'floor' or 'estimate', got {shown(mode)}.")
    if mode == "prior":
        known = collision_probability(known_prior(evidence), k)
        return {"delta_loss": delta}, known, known, ()
    if k > 1:
        raise NotApplicable("needs the class prior for more than one negative; pass `class_prior`.")
    classes = evidence.setting.num_classes
    if classes < 2:
        raise NotApplicable("needs at least two classes.")
    # τ_c ≥ 1/K needs every class counted, and labels show only those they have.
    number = evidence.setting.assumptions.get("K", UNKNOWN_CLASSES)
    if mode == "floor":
        return {"delta_loss": delta}, 1 / classes, 1.0, (number,)
    low, high = collision_interval(evidence.classes.counts, delta / 2)
    if number.holds:
        low = max(low, 1 / classes)
    return {"delta_loss": delta / 2, "delta_collision": delta / 2}, low, high, ()


TEXTS = {
    "contrastive_loss": (
        "mean contrastive loss over all ordered pairs of items",
        "views closer than other items",
    ),
    "collisions": ("negatives of the anchor's own class, which no encoder can push away", "more classes"),
    "representation_complexity": (
        "Rademacher complexity of the encoders over triples",
        "a smaller class, or A3",
    ),
    "rounding": ("bound on the rounding of float32 products", "float64 products"),
    "pair_frequencies": ("class counts of a finite pool of pairs against the prior", "a balanced pool"),
    "largest_loss": (
        "the contrastive loss is no better than a constant encoder's",
        "a better encoder, more pairs",
    ),
}

_LOSSES: tuple[tuple[str, derivation.Loss], ...] = (("simclr", "hinge"), ("simclr_logistic", "logistic"))

SIMCLR, SIMCLR_LOGISTIC = (
    Theorem(
        name=name,
        title=f"SimCLR (contrastive) bound, {loss} loss",
        source=SOURCE,
        statement=r"L_{sup}^{\mu}(s f)",
        predictor="mean classifier with the true class means, which nobody has; not W_S",
        assumptions=("A1", "A3", "A4", "A6", "prior"),
        inputs=partial(_inputs, loss),
        options=("negatives", "collision", "contrastive_scales"),
        texts=TEXTS,
        axis=Axis(f"two-class {loss}", f"two-class {loss} loss of the mean classifier", "none", 1.0, 1.0),
    )
    for name, loss in _LOSSES
)
