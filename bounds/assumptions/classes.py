"""A5 and K: the label is the class, and how many classes there are."""

from __future__ import annotations

from bounds.assumptions.assumption import Assumption


def labels_are_classes() -> Assumption:
    """A5, which no data refute: a wrong label is the label of another class."""
    return Assumption("A5", "holds", "declared: the label is the class")


def number_of_classes(stated: bool, num_classes: int) -> Assumption:
    """K: what bounds that use it from above (a collision probability of at least 1/K) rest on."""
    if stated:
        return Assumption("K", "holds", f"declared: num_classes={num_classes}")
    return Assumption(
        "K",
        "unverifiable",
        f"{num_classes} classes were seen; pass num_classes={num_classes} if they are all",
    )
