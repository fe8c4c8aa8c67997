"""Proofs of `simclr` and `simclr_logistic`: contrastive loss to mean classifier (theory §4)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import inequalities, simclr
from bounds.derivations.algebra import inverts
from bounds.derivations.chain import conclude
from bounds.derivations.contrastive import (
    blocks,
    collision,
    contrastive_loss,
    delta_loss,
    log_collisions,
    negatives,
    no_collision,
    rounding,
    scale,
    scales,
    span,
    triples,
)
from bounds.derivations.lemmas import classes, complexity, concentration, contrastive
from bounds.derivations.quantities import contrastive_risk, pair_risk, rounded_risk, supervised_risk
from bounds.derivations.simclr import Loss
from bounds.derivations.steps import Derivation, Step, definition
from bounds.derivations.symbols import B, TV_pairs, functions, m

_DOMAIN = {
    "collision": (0.01, 0.4),
    "no_collision": (0.6, 0.99),
    "scale": (0.5, 2.0),
    "span": (0.5, 2.0),
    "log_collisions": (0.01, 0.2),
}


def _loss_at(loss: Loss, margin: sp.Expr) -> sp.Expr:
    """All margins equal."""
    if loss == "hinge":
        return sp.Max(0, 1 - margin)
    return sp.log(1 + negatives * sp.exp(-margin), 2)


def u_statistic_steps(
    quantity: sp.Symbol, mean: sp.Expr, lipschitz: sp.Expr, spread: sp.Expr, share: sp.Expr, conditioned: bool
) -> list[Step]:
    """From an expected contrastive loss to a mean over items; `share` of δ_L goes to each of a grid."""
    measured = pair_risk if conditioned else quantity
    bound = mean + 2 * sp.sqrt(2) * sp.sqrt(6) * lipschitz * B * triples / blocks
    radius = inequalities.hoeffding(spread, share, blocks)
    tail = concentration.hoeffding_tail(radius, spread, blocks)
    deviation = Step(
        "loss over the pairs",
        sp.Le(measured, bound + radius, evaluate=False),
        "Hoeffding or McDiarmid over M disjoint blocks, solved for the radius",
        "symbolic",
        lambda: contrastive.triple_factor(bound, triples, lipschitz * B) & inverts(tail, share),
        note="Disjoint blocks stand for all tuples; a union bound pays for the grid and for J encoders.",
        spends=delta_loss,
    )
    steps = [
        contrastive.u_statistic(),
        concentration.hoeffding_theorem(),
        complexity.symmetrisation(),
        complexity.vector_contraction(),
        contrastive.triple_contraction(),
        deviation,
    ]
    if conditioned:
        shift = Step(
            "classes of the pairs",
            sp.Le(quantity, pair_risk + spread * sp.Min(1, 1 / m + 2 * TV_pairs), evaluate=False),
            "fixed class counts, times the range",
            "falsification",
            lambda: contrastive.fixed_count_shift().result & classes.class_shift().result,
        )
        steps = [contrastive.fixed_count_shift(), shift, *steps]
    return steps


def proof(*, loss: Loss = "hinge", many: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """Jensen and collisions, then a U-statistic."""
    collided = log_collisions / sp.log(2) if loss == "logistic" and many else collision
    top = scale**2 * span
    steps = [
        *(contrastive.jensen_over_views(loss, count) for count in ((1, 2) if many else (1,))),
        Step(
            "from contrastive to supervised",
            sp.Le(supervised_risk, (contrastive_risk - collided) / no_collision, evaluate=False),
            "Jensen over views, solved for the supervised loss",
            "falsification",
            lambda: contrastive.jensen_over_views(loss, 2 if many else 1).result,
        ),
        contrastive.range_of_loss(loss),
        *u_statistic_steps(
            contrastive_risk,
            rounded_risk,
            scale**2 * (1 if loss == "hinge" else 1 / sp.log(2)),
            _loss_at(loss, -top) - _loss_at(loss, top),
            delta_loss / scales / functions,
            conditioned_pairs,
        ),
        Step(
            "rounding",
            sp.Le(rounded_risk, contrastive_loss + rounding, evaluate=False),
            "a bound on the rounding of the mean over all pairs",
            "symbolic",
            definition("the symbol bounds that difference, where the mean is computed"),
        ),
    ]
    return conclude(
        "simclr" if loss == "hinge" else "simclr_logistic",
        supervised_risk,
        steps,
        simclr.expression(loss, many=many, conditioned_pairs=conditioned_pairs),
        delta_loss,
        sizes=(blocks,),
        floor=None,
        grows=(contrastive_loss, rounding, triples, scales, functions),
        domain=_DOMAIN,
        whole=True,
        variant={"many": many, "conditioned_pairs": conditioned_pairs},
    )


def logistic(*, many: bool = False, conditioned_pairs: bool = False) -> Derivation:
    """The same with the logistic loss."""
    return proof(loss="logistic", many=many, conditioned_pairs=conditioned_pairs)
