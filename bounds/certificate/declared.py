"""From the options of `evaluate` to the status of every assumption, with the reason in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.statistics.setting import Assumption, EncoderChoice, Status


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
    """A7: refuted by a shared source, or by rows of S that recur among the pairs where S itself repeats no row."""
    if pairs is None:
        return Assumption("A7", "unverifiable", "there are no pairs")
    if same_source:
        return Assumption("A7", "violated", "`labeled` and `unlabeled` are the same data")
    rows = _row_keys(labeled, 0)
    distinct = torch.unique(rows)
    if len(distinct) == len(rows):
        shared = max(
            int(torch.isin(distinct, _row_keys(pairs, view)).sum()) for view in range(len(pairs.views))
        )
        if shared:
            return Assumption(
                "A7", "violated", f"{shared} of the {len(rows)} labeled items are also among the pairs"
            )
    return Assumption(
        "A7", "holds", "declared: two independent samples; no labeled item recurs among the pairs"
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


def constants(choice: Literal["printed", "counted"]) -> Assumption:
    """Whether the logarithms of the printed theorem add up to δ."""
    if choice == "printed":
        return Assumption("constants", "violated", "the printed logarithms spend 4δ/3 and β is not paid for")
    return Assumption("constants", "holds", "evaluated at 3δ/4, the grid of β paid for")


def encoder_choice(function_class: Any) -> EncoderChoice | None:
    """The option `function_class`: J, the J encoders themselves, or their complexity as `bounds.rademacher` gives it.

    Raises:
        InvalidOption: anything that does not say how many encoders the choice was among.
    """
    if function_class is None:
        return None
    found = getattr(function_class, "details", {}).get("members", function_class)
    members = len(found) if isinstance(found, list | tuple) else found
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise InvalidOption(
            "`function_class` must be the number of encoders chosen among, a list of them, or the complexity of a "
            f"FiniteClass; got {shown(function_class)}."
        )
    return EncoderChoice(members)


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
    p = torch.as_tensor(prior, dtype=torch.float64)
    if p.shape != (num_classes,) or not bool((p >= 0).all()) or abs(float(p.sum()) - 1.0) > 1e-9:
        raise InvalidOption(
            f"`class_prior` must hold {num_classes} non-negative numbers that sum to 1, "
            f"got shape {tuple(p.shape)} and sum {float(p.sum()):.6g}."
        )
    return p / p.sum()


def _row_keys(table: Representations, view: int) -> Tensor:
    """One 64-bit fingerprint per row of a view: equal rows have equal keys."""
    one = Representations((table.views[view],), name=table.name)
    generator = torch.Generator().manual_seed(0)
    mix = torch.randint(-(2**62), 2**62, (table.dim,), generator=generator) | 1
    return torch.cat(
        [(views[0].cpu().contiguous().view(torch.int64) * mix).sum(1) for views, _ in one.chunks()]
    )
