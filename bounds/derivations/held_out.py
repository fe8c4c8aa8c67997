"""The loss of held-out items: kl limit of a mean in [0, √2] (theory §5)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.symbols import N, delta, symbol
from bounds.derivations.vicreg_sharp import upper_mean

projected_H = symbol(
    "projected_H", r"\hat r^{\Pi}_H", "mean projected residual of the head on the held-out items"
)


@cache
def loss() -> Expression:
    """√2·kl⁻¹(mean/√2; ln(1/δ)/N)."""
    return Expression(
        {"test_loss": projected_H, "confidence": upper_mean(projected_H, sp.sqrt(2), delta, N) - projected_H}
    )
