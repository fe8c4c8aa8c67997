"""Proofs of what test items certify beside their error: the worst class, the balanced error, top k, a part of them."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import test_set
from bounds.derivations.agreement import class_items, class_mistakes
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.lemmas import counts
from bounds.derivations.quantities import (
    answered_error,
    balanced_error,
    top_error,
    worst_class_error,
)
from bounds.derivations.steps import Derivation
from bounds.derivations.symbols import K, N, delta, mistakes
from bounds.derivations.test_set import answered, episode_limit, ranks


def _counted(name: str, quantity: sp.Symbol) -> Derivation:
    steps = [
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "held-out items", quantity, clopper_pearson(mistakes, N, delta), mistakes, N, delta
        ),
    ]
    return conclude(
        name,
        quantity,
        steps,
        test_set.expression(),
        delta,
        sizes=(N,),
        floor=None,
        grows=(mistakes,),
        domain={"mistakes": (0, 30), "N": (40, 2000)},
        whole=True,
    )


def top_k() -> Derivation:
    """Whether a class is among the k largest scores is an error of its own."""
    return _counted("test_set_top_k", top_error)


def worst_class() -> Derivation:
    """Given the labels, the errors of each class are binomial; K limits hold together."""
    limit = clopper_pearson(class_mistakes, class_items, delta / K)
    steps = [
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "items of one class",
            worst_class_error,
            limit,
            class_mistakes,
            class_items,
            delta / K,
            spends=delta,
            note="One limit for each of K classes; the largest bounds the error of every class.",
        ),
    ]
    return conclude(
        "test_set_classes",
        worst_class_error,
        steps,
        test_set.worst_class(),
        delta,
        sizes=(class_items,),
        floor=None,
        grows=(class_mistakes,),
        domain={"class_mistakes": (0, 30), "class_items": (40, 2000)},
        whole=True,
    )


def balanced() -> Derivation:
    """An episode holds one item of each class, so that its mean error is the balanced error."""
    steps = [
        counts.constant_stakes_theorem(),
        counts.constant_stakes(
            "episodes",
            balanced_error,
            episode_limit,
            delta,
            note="Given the labels, the episodes of one arrangement are i.i.d.; arrangements are fixed by the seed.",
        ),
    ]
    return conclude(
        "test_set_balanced",
        balanced_error,
        steps,
        test_set.balanced(),
        delta,
        sizes=(),
        floor=episode_limit,
        grows=(episode_limit,),
        whole=True,
    )


def selective() -> Derivation:
    """The r-th largest score is the threshold; given it, the items above are i.i.d. of the law given s > t."""
    limit = clopper_pearson(mistakes, answered, delta / ranks)
    steps = [
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "items above the threshold",
            answered_error,
            limit,
            mistakes,
            answered,
            delta / ranks,
            spends=delta,
            note="Given the r-th largest score, the items above it are i.i.d. of the law of those that are answered; the "
            "item at the threshold is left out. One limit for each of J ranks, fixed by N.",
        ),
    ]
    return conclude(
        "test_set_selective",
        answered_error,
        steps,
        test_set.selective(),
        delta,
        sizes=(answered,),
        floor=None,
        grows=(mistakes, ranks),
        domain={"mistakes": (0, 30), "answered": (40, 2000), "ranks": (2, 40)},
        whole=True,
    )
