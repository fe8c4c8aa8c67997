"""A5 and K: the label is the class, and how many classes there are."""

from __future__ import annotations

import math

from bounds.assumptions.assumption import Assumption

NEGLIGIBLE = 1e-15  # a probability beside which no δ loses a digit


def labels_are_classes() -> Assumption:
    """A5, which no data refute: a wrong label is the label of another class."""
    return Assumption("A5", "holds", "declared: the label is the class")


def number_of_classes(stated: bool, num_classes: int, balanced_items: int = 0) -> Assumption:
    """K: what bounds that use the law of the class counts, or that count class by class, rest on.

    Where K was only read off the labels, it rests on `balanced_items`: the number n of i.i.d. labels whose prior was
    declared to be balanced, 0 without such a declaration. Had the population another class, one of its K + 1 or more
    would have stayed unseen among n labels with probability at most (K + 1)(1 − 1/(K + 1))ⁿ.
    """
    if stated:
        return Assumption("K", "holds", f"declared: num_classes={num_classes}")
    unseen = math.exp(math.log(num_classes + 1) + balanced_items * math.log1p(-1 / (num_classes + 1)))
    if unseen <= NEGLIGIBLE:
        return Assumption(
            "K",
            "holds",
            f"{_seen(num_classes)}; with a balanced prior another would have been seen",
        )
    return Assumption(
        "K",
        "unverifiable",
        f"{_seen(num_classes)}; say num_classes={num_classes} if there are no others",
    )


def _seen(number: int) -> str:
    return "1 class was seen" if number == 1 else f"{number:,} classes were seen"


def balanced_over(prior: Assumption, classes: Assumption) -> Assumption:
    """A prior declared by the word "balanced" holds only over a number of classes that is known."""
    if classes.holds or not prior.holds:
        return prior
    return Assumption("prior", classes.status, f"balanced over the classes that were seen: {classes.reason}")
