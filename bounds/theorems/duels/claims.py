"""The claims of a duel and of a certificate to a target: each is false with probability at most its share, at any stop.

Two predictors W, V are fixed before the unlabeled items U, whose order is drawn before any label. The outcome of an item is
+1 where only W is right, −1 where only V is, so that E o = err(V) − err(W); off their disagreements it is zero whatever the
label.
"""

from __future__ import annotations

from functools import cache

import sympy as sp

from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.betting import Bet, Peak, verdict
from bounds.proofs.terms import Declared, E, Sample, Wrong
from bounds.theorems.vocabulary import V, W, deltas, n, wrong, y, z

ITEMS = Sample("U", n, (("f", "A3"), ("S", "A7"), ("P", "A7")), ("A6", "U"), order="order")
OUTCOME = Wrong(V, z, y) - Wrong(W, z, y)
_stake = Declared("u", "level")
target, margin, weight = (Declared(name, "level") for name in ("target", "margin", "c"))


def _mixture(factor: sp.Expr) -> sp.Expr:
    """Uniform over stakes in (0, 1), watched item by item."""
    return Peak(sp.Integral(Bet(ITEMS, factor), (_stake, 0, 1)))


@cache
def better(first: bool = True) -> Fact:
    """[wealth reaches 1/δ] ≤ [E o > 0]; the wealth with q for (1 + u)/2 is `log_sign_e_value`."""
    outcome = OUTCOME if first else -OUTCOME
    share = deltas[0] if first else deltas[1]
    return verdict(_mixture(1 + _stake * outcome), sp.Le(E(outcome), 0), share)


@cache
def not_worse(first: bool = True) -> Fact:
    """[wealth reaches 1/δ] ≤ [E o > −margin], over all items, for one stake c/(1 − margin)."""
    outcome = OUTCOME if first else -OUTCOME
    share = deltas[2] if first else deltas[3]
    process = Peak(Bet(ITEMS, 1 + weight * (outcome + margin) / (1 - margin)))
    return verdict(process, sp.Le(E(outcome) + margin, 0), share)


@cache
def below() -> Fact:
    """[wealth reaches 1/δ] ≤ [err < t]; the wealth with q for t(1 − u) is `log_below_e_value`."""
    process = _mixture(1 + _stake * (target - wrong(W)) / (1 - target))
    return verdict(process, sp.Le(target - E(wrong(W)), 0), deltas[0])


@cache
def above() -> Fact:
    """[wealth reaches 1/δ] ≤ [err ≥ t]: the mirror image; never wrong together with `below`."""
    process = _mixture(1 + _stake * (wrong(W) - target) / target)
    return verdict(process, sp.Lt(E(wrong(W)) - target, 0), deltas[1])
