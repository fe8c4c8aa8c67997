"""Proofs of `test_set`, `held_out` and `test_set_loss`: what held-out labels certify alone (theory §5)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import held_out as held_out_expression
from bounds.derivations import test_set
from bounds.derivations.chain import conclude
from bounds.derivations.functions import clopper_pearson
from bounds.derivations.held_out import projected_H
from bounds.derivations.lemmas import concentration, counts, geometry
from bounds.derivations.quantities import error, projected_loss
from bounds.derivations.steps import Derivation
from bounds.derivations.symbols import N, delta, mistakes
from bounds.derivations.vicreg_sharp import upper_mean


def proof(*, name: str = "test_set") -> Derivation:
    """One step: given the head, the number of errors on independent items is binomial."""
    steps = [
        counts.clopper_pearson_theorem(),
        counts.clopper_pearson(
            "held-out items", error, clopper_pearson(mistakes, N, delta), mistakes, N, delta
        ),
    ]
    return conclude(
        name,
        error,
        steps,
        test_set.expression(),
        delta,
        sizes=(N,),
        floor=None,
        grows=(mistakes,),
        domain={"mistakes": (0, 30), "N": (40, 2000)},
        whole=True,
    )


def held_out() -> Derivation:
    """The same for a part of S that the head never saw."""
    return proof(name="held_out")


def loss() -> Derivation:
    """The kl limit of the projected loss on test items."""
    spread = sp.sqrt(2)
    steps = [
        *geometry.simplex_projection(),
        concentration.kl_theorem(),
        concentration.kl_limit(
            "held-out items",
            projected_loss,
            upper_mean(projected_H, spread, delta, N),
            projected_H,
            spread,
            delta,
            N,
        ),
    ]
    return conclude(
        "test_set_loss",
        projected_loss,
        steps,
        held_out_expression.loss(),
        delta,
        sizes=(N,),
        floor=projected_H,
        grows=(projected_H,),
        domain={"projected_H": (0.1, 1.3)},
        whole=True,
    )
