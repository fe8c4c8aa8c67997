"""A1, A1′, label and U: what the two views of a pair share with each other and with labeled items."""

from __future__ import annotations

from bounds.assumptions.assumption import Assumption


def pair_assumptions(pairs: str | None) -> list[Assumption]:
    """From how the pairs were made."""
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
