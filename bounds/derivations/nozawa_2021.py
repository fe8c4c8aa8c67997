"""Nozawa and Sato (2021): collisions and coverage added in halves instead of divided out."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import coverage, log_collisions, temperature
from bounds.derivations.expression import Expression
from bounds.derivations.infonce import sampling
from bounds.derivations.symbols import symbol

augmentation_gap = symbol(
    "augmentation_gap",
    "-d",
    "mean of max(0, zᵀ(z̄ − μ_y)): what views of one item are closer than their class",
)


@cache
def expression() -> Expression:
    """(2L − Col − 2d)/v, as L ≥ ½[v·L_sup + (1 − v)·L_sub + Col] + d and L_sub ≥ 0; d = 0 for class pairs.

    With a the terms of other classes and b the collisions, ln(1 + a + b) ≥ ½[ln(1 + a) + ln(1 + b)]: the
    first holds the K-way loss on the batches that show all classes (probability v), the second is Col on
    average.
    """
    terms = {name: 2 * term for name, term in sampling().items()}
    terms |= {"log_collisions": -log_collisions, "augmentation_gap": 2 * augmentation_gap / temperature}
    return Expression({name: sp.Mul(1 / coverage, term) for name, term in terms.items()})
