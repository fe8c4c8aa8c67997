"""What N labeled test items certify by counting: one-sided Clopper-Pearson limits, and bets of constant stakes."""

from __future__ import annotations

from functools import cache

from bounds.derivations.agreement import class_items, class_mistakes
from bounds.derivations.expression import Expression
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.symbols import K, N, delta, mistakes, symbol

answered = symbol("answered", "a", "test items whose score lies above the threshold", positive=True)
ranks = symbol("ranks", "J", "number of thresholds tried", positive=True)
episode_error = symbol("episode_error", r"\bar H", "mean error of the episodes, one item a class")
episode_limit = symbol(
    "episode_limit", "U", "upper limit of the mean error of episodes, by bets of constant stakes"
)


@cache
def expression() -> Expression:
    """CP⁺(k, N, δ) split into the measured error and the price of confidence."""
    return Expression(
        {"test_error": mistakes / N, "confidence": clopper_pearson(mistakes, N, delta) - mistakes / N}
    )


@cache
def worst_class() -> Expression:
    """CP⁺(k_y, N_y, δ/K) of the class where it is largest."""
    measured = class_mistakes / class_items
    return Expression(
        {
            "test_error": measured,
            "confidence": clopper_pearson(class_mistakes, class_items, delta / K) - measured,
        }
    )


@cache
def balanced() -> Expression:
    """The betting limit of the mean error of episodes that hold one item of each class."""
    return Expression({"test_error": episode_error, "confidence": episode_limit - episode_error})


@cache
def selective() -> Expression:
    """CP⁺(k, a, δ/J) over the items above one of J thresholds."""
    alone = clopper_pearson(mistakes, answered, delta)
    return Expression(
        {
            "test_error": mistakes / answered,
            "confidence": alone - mistakes / answered,
            "search": clopper_pearson(mistakes, answered, delta / ranks) - alone,
        }
    )
