"""Van Elst and Ghoshdastidar (2024), Theorem 2: a risk certificate for InfoNCE itself, in batches."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import (
    blocks,
    delta_loss,
    infonce_loss,
    log_plus_exp,
    negatives,
    span,
    temperature,
)
from bounds.derivations.expression import Expression
from bounds.derivations.symbols import symbol

divergence = symbol(
    "divergence", r"\mathrm{KL}", "KL(posterior‖prior) over encoders, nats; 0 for a fixed encoder"
)


def bounded_difference() -> sp.Expr:
    """How far one item moves the mean of n items, times n: 2r/t + k ln((k + e^{r/t})/(k + 1)).

    The item's own loss moves by at most 2r/t; in the loss of each of the k others one of k + 1 terms
    moves, by a factor of at most e^{r/t} above the smallest.
    """
    ratio = span / temperature
    return 2 * ratio + negatives * (log_plus_exp(negatives, ratio) - sp.log(negatives + 1))


@cache
def expression() -> Expression:
    """L̂ + C √((KL + ln(2n/δ))/(2(n − 1))), n = M(k + 1): McDiarmid, then McAllester's change of measure."""
    items = blocks * (negatives + 1)
    price = sp.sqrt((divergence + sp.log(2 * items / delta_loss)) / (2 * (items - 1)))
    return Expression({"infonce_loss": infonce_loss, "confidence": bounded_difference() * price})
