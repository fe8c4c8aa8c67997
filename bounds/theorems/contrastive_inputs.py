"""What the contrastive bounds read off the evidence: options, ranges, collisions, measured losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.derivations.expression import Expression
from bounds.errors import InvalidOption, NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.memo import memo
from bounds.evidence.negatives import Negatives, block_losses
from bounds.evidence.thinning import chosen_rows, independent_items
from bounds.proofs.conclude import Conclusion
from bounds.representations.table import Representations
from bounds.summaries.collisions import (
    coverage_probability,
    expected_log_collisions,
    no_collision_probability,
)
from bounds.summaries.mean_classifier import MeanClassifier, mean_classifier
from bounds.theorems.axes import Axis
from bounds.theorems.bound import Inputs
from bounds.theorems.common import pair_total_variation

_SMALLEST_LEFT = 1e-12  # of 1 − τ_k: divided by less, the rounding of the loss alone is larger than any loss
NEGATIVES = 7  # of InfoNCE where `negatives` is not given: blocks of eight items


def positive_option(evidence: Evidence, name: str, default: float) -> float:
    """A positive, finite number among the setting's options.

    Raises:
        InvalidOption: anything else.
    """
    value: Any = evidence.setting.options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidOption(f"`{name}` must be a positive number, got {shown(value)}.")
    return float(value)


def negatives_option(evidence: Evidence, default: int) -> int:
    """k, the number of negatives per anchor.

    Raises:
        InvalidOption: unless a whole number of at least 1.
    """
    value = positive_option(evidence, "negatives", default)
    if value != round(value):
        raise InvalidOption(f"`negatives` must be a whole number, got {shown(value)}.")
    return round(value)


def thinned(evidence: Evidence, split: Mapping[str, float]) -> Representations:
    """All pairs, or those with independent classes where split["delta_classes"] pays for thinning a pool (A6)."""
    pairs, failure = evidence.need_pairs(), split.get("delta_classes", 0.0)
    prior, labels = evidence.setting.prior, pairs.labels
    if not failure or prior is None or labels is None:
        return pairs
    seed = evidence.setting.seed

    def make() -> Representations:
        return chosen_rows(pairs, independent_items(labels, prior, failure=failure, seed=seed))

    return memo(evidence, ("thinned", failure), make)


def losses_of_blocks(
    evidence: Evidence, negatives: int, scales: tuple[float, ...], split: Mapping[str, float]
) -> Negatives:
    """Measured losses with k negatives; NotApplicable with fewer than k + 1 pairs."""
    failure, seed = split.get("delta_classes", 0.0), evidence.setting.seed

    def make() -> Negatives:
        table = thinned(evidence, split)
        if table.count <= negatives:
            raise NotApplicable(
                f"needs more than {negatives} pairs for {negatives} negatives, got {table.count}."
            )
        return block_losses(
            table, negatives, scales, seed=seed, device=evidence.device, processes=evidence.processes
        )

    return memo(evidence, ("block_losses", negatives, scales, failure), make)


def block_shares(evidence: Evidence, delta: float) -> dict[str, float]:
    """δ for the loss of blocks, less a twentieth for the thinning where class counts are fixed."""
    if not evidence.setting.conditioned_pairs or evidence.setting.prior is None:
        return {"delta_loss": delta}
    return {"delta_loss": 0.95 * delta, "delta_classes": 0.05 * delta}


def pair_shares(evidence: Evidence, delta: float) -> dict[str, float]:
    """The same for all ordered pairs of items, which may keep the whole pool and pay its distance to the prior.

    Which is cheaper depends on the class counts alone, given which either holds.
    """
    split = block_shares(evidence, delta)
    if "delta_classes" in split:
        count = thinned(evidence, split).count
        thin = math.sqrt(math.log(1 / split["delta_loss"]) / (2 * max(1, count // 2)))
        whole = math.sqrt(math.log(1 / delta) / (2 * (evidence.m // 2)))
        if thin > whole + 1 / evidence.m + 2 * pair_total_variation(evidence):
            return {"delta_loss": delta}
    return split


def span(evidence: Evidence) -> float:
    """Range r of f(x)ᵀf(x′): τ²/2, that is 2B², or B² where f ≥ 0."""
    return evidence.setting.tau**2 / 2


def sampling_values(evidence: Evidence, negatives: int, count: int) -> dict[str, float]:
    """Symbols of the U-statistic over `count` pairs, the encoder class and the pairs' composition."""
    return {
        "K": evidence.setting.num_classes,
        "B": evidence.setting.radius,
        "m": count,
        "negatives": negatives,
        "blocks": count // (negatives + 1),
        "span": span(evidence),
        "TV_pairs": pair_total_variation(evidence),
        **_encoder_class(evidence),
    }


def infonce_values(evidence: Evidence, negatives: int, split: Mapping[str, float]) -> dict[str, float]:
    """The same with the measured InfoNCE loss at the option `temperature`, and the shares of δ."""
    temperature = positive_option(evidence, "temperature", 1.0)
    losses = losses_of_blocks(evidence, negatives, (temperature**-0.5,), split)
    return {
        **sampling_values(evidence, negatives, thinned(evidence, split).count),
        **split,
        "temperature": temperature,
        "infonce_loss": losses.infonce[0],
    }


def _encoder_class(evidence: Evidence) -> dict[str, float]:
    """R_S(F) and J: 0 and 1 for a fixed encoder, J functions by a union bound."""
    chosen = evidence.setting.function_class
    return {"triples": 0.0, "functions": 1.0 if chosen is None else float(chosen.members)}


def known_prior(evidence: Evidence) -> Tensor:
    """The declared class prior with at least two classes of positive probability, or NotApplicable."""
    prior = evidence.setting.prior
    if prior is None:
        raise NotApplicable("needs the class prior; pass `class_prior`.")
    if int((prior > 0).sum()) < 2:
        raise NotApplicable("needs at least two classes of positive probability.")
    return prior


def something_left(prior: Tensor, negatives: int) -> float:
    """1 − τ_k, or NotApplicable where it is too small to divide by."""
    found = no_collision_probability(prior, negatives)
    if found < _SMALLEST_LEFT:
        raise NotApplicable(
            f"says nothing with {negatives} negatives: that none of them has the anchor's class has a probability "
            f"of {found:.2g}; use fewer `negatives`."
        )
    return found


def uniform_prior(evidence: Evidence) -> Tensor:
    """The same where it must be uniform."""
    prior = known_prior(evidence)
    if float(prior.max() - prior.min()) > 1e-12:
        raise NotApplicable("holds for a uniform class prior only.")
    return prior


def softmax_axis(classes: int, temperature: float) -> Axis:
    """Cross-entropy of the mean classifier's softmax: an arg-max error costs at least ln 2."""
    return Axis(
        "softmax",
        f"cross-entropy of the mean classifier's softmax at temperature {temperature:g}, nats",
        "linear",
        1 / math.log(2.0),
        math.log(classes),
    )


SOFTMAX_AXIS = softmax_axis(2, 1.0)  # of the catalogue, before any data


def infonce_axis(negatives: int) -> Axis:
    """The contrastive loss itself; a constant encoder has ln(k + 1)."""
    return Axis(
        "infonce", f"InfoNCE loss with {negatives} negatives, nats", "none", 1.0, math.log(negatives + 1)
    )


def coverage_inputs(
    evidence: Evidence,
    delta: float,
    proven: Callable[..., Conclusion] | Expression,
    extra: Mapping[str, float] | None = None,
    notes: tuple[str, ...] = (),
) -> Inputs:
    """Symbols of the bounds that need every class in a batch: collisions and coverage under a uniform prior.

    By default k = ⌈K(ln K + 1)⌉, about as many draws as it takes to see every class, whatever the data.
    """
    prior = uniform_prior(evidence)
    classes = len(prior)
    k = negatives_option(evidence, math.ceil(classes * (math.log(classes) + 1)))
    split = block_shares(evidence, delta)
    values = {
        **infonce_values(evidence, k, split),
        "no_collision": something_left(prior, k),
        "log_collisions": expected_log_collisions(prior, k),
        "coverage": coverage_probability(classes, k + 1),
        "coverage_of_others": coverage_probability(max(1, classes - 1), k),
        **(extra or {}),
    }
    if not isinstance(proven, Expression) and not values["coverage"]:
        raise NotApplicable(f"needs at least {classes - 1} negatives to show {classes} classes, got {k}.")
    temperature = values["temperature"]
    compared = measured_note(evidence, measured(evidence, temperature=temperature), "softmax")
    axis = softmax_axis(classes, temperature)
    if isinstance(proven, Expression):
        return Inputs(proven, values, split, None, (*notes, compared), axis=axis)
    conclusion = proven(**variant(split))
    return Inputs.proven(conclusion, values, split, None, (*notes, compared), axis=axis)


def variant(split: Mapping[str, float]) -> dict[str, bool]:
    """Options of the proofs: whether a pool is thinned to i.i.d. pairs."""
    return {"thinned": "delta_classes" in split}


def measured(evidence: Evidence, scale: float = 1.0, temperature: float = 1.0) -> MeanClassifier:
    """Losses of the mean classifier with the class means of S, on the test items or on S itself."""
    setting = evidence.setting
    prior = evidence.classes.frequencies if setting.prior is None else setting.prior
    present = evidence.classes.counts > 0
    weight = torch.where(present, prior.to(evidence.classes.means), 0.0)
    if int((weight > 0).sum()) < 2:
        raise NotApplicable("needs labeled items of at least two classes.")
    return memo(
        evidence,
        ("mean_classifier", scale, temperature),
        lambda: mean_classifier(
            evidence.classes.means,
            weight / weight.sum(),
            _labeled_rows(evidence),
            scale=scale,
            temperature=temperature,
        ),
    )


def _labeled_rows(evidence: Evidence) -> Iterator[tuple[Tensor, Tensor]]:
    table = evidence.labeled if evidence.test is None else evidence.test
    return ((views[0], y) for views, y in table.chunks(device=evidence.device) if y is not None)


def measured_note(evidence: Evidence, losses: MeanClassifier, *names: str) -> str:
    """One sentence with the measured numbers, for comparison."""
    where = "S itself" if evidence.test is None else "the test items"
    numbers = ", ".join(f"{name} {getattr(losses, name):.4f}" for name in (*names, "error"))
    return f"measured with the class means of S on {where}: {numbers}"
