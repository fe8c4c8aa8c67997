"""The certificate of N held-out labels: a one-sided Clopper-Pearson limit (theory §5)."""

from functools import cache

from bounds.derivations.expression import Expression
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.symbols import N, delta, mistakes


@cache
def expression() -> Expression:
    """CP⁺(k, N, δ) split into the measured error and the price of confidence."""
    return Expression(
        {"test_error": mistakes / N, "confidence": clopper_pearson(mistakes, N, delta) - mistakes / N}
    )
