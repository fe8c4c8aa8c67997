"""Ash et al. (2022): a coverage factor that is finite for any number of negatives."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import log_collisions, negatives, no_collision
from bounds.derivations.expression import Expression
from bounds.derivations.functions import Max
from bounds.derivations.infonce import sampling
from bounds.derivations.symbols import K, symbol

harmonic = symbol("harmonic", "H_{K-1}", "1 + 1/2 + … + 1/(K − 1)")


@cache
def expression() -> Expression:
    """2·max(1, 2(K − 1)H_{K−1}/k)/(1 − τ_k) · (L − Col)."""
    terms = {**sampling(exact=True), "log_collisions": -log_collisions}
    factor = 2 * Max(1, 2 * (K - 1) * harmonic / negatives) / no_collision
    return Expression({name: sp.Mul(factor, term) for name, term in terms.items()})
