"""Arora et al. (2019) with k negatives and class coverage: from InfoNCE to the K-way softmax."""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.derivations.contrastive import coverage, log_collisions, no_collision
from bounds.derivations.expression import Expression
from bounds.derivations.infonce import sampling


@cache
def expression() -> Expression:
    """(L − Col)/((1 − τ_k)v): the bound of `simclr` for the softmax loss, on batches that show all classes.

    Without a collision the k negatives are uniform over the other K − 1 classes and cover them with
    probability at least v, the coverage of all K classes by k + 1 draws; then the batch costs at least the
    K-way loss.
    """
    terms = {**sampling(), "log_collisions": -log_collisions}
    factor = 1 / (no_collision * coverage)
    return Expression({name: sp.Mul(factor, term) for name, term in terms.items()})
