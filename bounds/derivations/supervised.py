"""Uniform convergence over a grid of head classes on a frozen encoder (theory §5), also projected (K1, K5)."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.inequalities import gaussian_head_class, head_class, hoeffding
from bounds.derivations.symbols import B, K, beta, delta, n, projected_S, residual_S, weight_j


@cache
def expression(*, projected: bool = False) -> Expression:
    """Residual on S, twice the head complexity, and McDiarmid on the supremum over the class that holds W.

    Projection on the simplex is 1-Lipschitz and keeps one-hot labels: same complexity, range √2.
    """
    if projected:
        complexity, spread = gaussian_head_class(beta, K, B**2), sp.sqrt(2)
    else:
        complexity, spread = head_class(beta, K, B), 1 + beta * B
    return Expression(
        {
            "labeled_residual": projected_S if projected else residual_S,
            "head_complexity": 2 * complexity / sp.sqrt(n),
            "confidence": hoeffding(spread, delta * weight_j, n),
        }
    )
