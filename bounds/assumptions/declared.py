"""From the options of `evaluate` to the status of every assumption, with the reason in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from bounds.assumptions.assumption import Assumption, Status
from bounds.data.masks import refuse_masked
from bounds.errors import InvalidOption
from bounds.representations.normalization import Normalization
from bounds.representations.shared import shared_rows
from bounds.representations.table import Representations
from bounds.summaries.weights import sums_to_one


def pair_assumptions(pairs: str | None) -> list[Assumption]:
    """A1, A1′ and what the views share with labeled items, from how the pairs were made."""
    if pairs == "class":
        return [
            Assumption(
                "A1", "holds", "declared: pairs='class', both views drawn independently from one class"
            ),
            Assumption("A1'", "violated", "the pairs are two different items, not two views of one"),
            Assumption("label", "holds", "declared: pairs='class', both views come from one class"),
            Assumption("U", "holds", "declared: pairs='class', the views are items as they are"),
        ]
    if pairs == "augmentation":
        return [
            Assumption("A1", "violated", "both views are augmentations of one item (pairs='augmentation')"),
            Assumption(
                "A1'", "holds", "declared: pairs='augmentation', independent views that keep the label"
            ),
            Assumption("label", "holds", "declared: pairs='augmentation', views that keep the label"),
            Assumption("U", "violated", "the unlabeled views are augmentations, the labeled items are not"),
        ]
    return [Assumption(name, "unverifiable", "there are no pairs") for name in ("A1", "A1'", "label", "U")]


def freshness(name: str, declared: bool | None, option: str, data: str) -> Assumption:
    """A2 or A3 from what the caller says about pretraining."""
    status: Status = "unverifiable" if declared is None else "holds" if declared else "violated"
    reason = {
        "holds": f"declared: {option}=True, the encoder was fixed before seeing the {data} data",
        "violated": f"declared: {option}=False, the encoder has seen the {data} data",
        "unverifiable": f"say {option}=True or False: was the encoder fixed before seeing the {data} data?",
    }[status]
    return Assumption(name, status, reason)


def boundedness(normalization: Normalization, largest: Callable[[], float]) -> Assumption:
    """A4: by construction after normalisation, otherwise only ever refuted by the data."""
    radius = normalization.radius
    if normalization.kind is not None:
        return Assumption("A4", "holds", f"by construction: normalize={normalization.kind!r}, B = {radius:g}")
    seen = largest()
    if seen > radius:
        return Assumption("A4", "violated", f"a representation of norm {seen:.6g} exceeds B = {radius:g}")
    return Assumption(
        "A4", "unverifiable", f"no norm above B = {radius:g} was seen; use normalize='clip' to be sure"
    )


def independence(labeled: Representations, pairs: Representations | None, same_source: bool) -> Assumption:
    """A7: refuted by a shared source, or by items of S that recur among the pairs.

    Equal vectors of a coarse representation need not be equal items: where S repeats vectors too, some that recur leave
    A7 open, and refute it only if they are more than twice as many.
    """
    if pairs is None:
        return Assumption("A7", "unverifiable", "there are no pairs")
    if same_source:
        return Assumption("A7", "violated", "`labeled` and `unlabeled` are the same data")
    shared = shared_rows(labeled, pairs)
    if shared.by is None:
        return Assumption(
            "A7", "holds", "declared: two independent samples; common items could not be looked for"
        )
    if shared.count and (shared.by == "images" or shared.count > 2 * shared.repeats):
        return Assumption(
            "A7", "violated", f"{shared.count} of the {labeled.count} labeled items are also among the pairs"
        )
    if shared.count:
        reason = (
            f"{shared.count} labeled vectors recur among the pairs, but {shared.repeats} equal another labeled one: "
            "equal vectors need not be equal items here"
        )
        return Assumption("A7", "unverifiable", reason)
    return Assumption(
        "A7",
        "holds",
        f"declared: two independent samples; no labeled item recurs among the pairs (compared by {shared.by})",
    )


def items(conditioned: bool, prior_known: bool) -> Assumption:
    """A6, which a finite pool of class pairs breaks unless the prior is known."""
    if conditioned and not prior_known:
        return Assumption(
            "A6",
            "violated",
            "the class counts of the pairs are fixed by their pool; pass `class_prior` to pay for it",
        )
    reason = "declared: items are i.i.d."
    if conditioned:
        reason += "; class counts of the pairs are fixed, their distance to the prior is added"
    return Assumption("A6", "holds", reason)


def number_of_classes(classes: int, given: bool) -> Assumption:
    """K from above, which labels cannot show: a class may be absent from all of them."""
    if given:
        return Assumption("K", "holds", f"declared: {classes} classes")
    return Assumption("K", "unverifiable", f"K = {classes} is read off the labels; pass `num_classes`")


def constants(choice: Literal["printed", "counted"]) -> Assumption:
    """Whether the logarithms of the printed theorem add up to δ."""
    if choice == "printed":
        return Assumption("constants", "violated", "the printed logarithms spend 4δ/3 and β is not paid for")
    return Assumption("constants", "holds", "evaluated at 3δ/4, the grid of β paid for")


def class_prior(prior: object, num_classes: int) -> Tensor | None:
    """The option `class_prior` as p (K,), or None.

    Raises:
        InvalidOption: unless it is None, "balanced", or K non-negative numbers that sum to one.
    """
    if prior is None:
        return None
    if isinstance(prior, str):
        if prior != "balanced":
            raise InvalidOption(
                f"`class_prior` must be None, 'balanced' or an array of K numbers, got {prior!r}."
            )
        return torch.full((num_classes,), 1.0 / num_classes, dtype=torch.float64)
    refuse_masked(prior, "`class_prior`")
    given = torch.as_tensor(prior)
    p = given.double()
    if p.shape != (num_classes,) or not sums_to_one(given):
        raise InvalidOption(
            f"`class_prior` must hold {num_classes} non-negative numbers that sum to 1, "
            f"got shape {tuple(p.shape)} and sum {float(p.sum()):.6g}."
        )
    return p / p.sum()
