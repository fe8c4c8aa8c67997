"""Proofs of `infonce` and `infonce_sharp`: the mean classifier's softmax (theory §5)."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import infonce
from bounds.derivations.chain import conclude
from bounds.derivations.contrastive import (
    blocks,
    delta_loss,
    infonce_loss,
    negatives,
    p_min,
    span,
    temperature,
    triples,
)
from bounds.derivations.lemmas import infonce as lemmas
from bounds.derivations.proofs.simclr import u_statistic_steps
from bounds.derivations.quantities import contrastive_risk, supervised_risk
from bounds.derivations.steps import Derivation, Step
from bounds.derivations.symbols import functions

_DOMAIN = {"p_min": (0.01, 0.1), "span": (0.5, 2.0), "temperature": (0.5, 2.0)}


def proof(*, exact: bool = False) -> Derivation:
    """Jensen on k + 1 terms, Hoeffding's lemma over the classes, then a U-statistic."""
    spread = lemmas.infonce_range(exact).statement.rhs
    gap = lemmas.surrogate_gap(exact).statement.rhs
    steps = [
        lemmas.surrogate_gap(exact),
        lemmas.softmax_of_means(exact),
        Step(
            "from InfoNCE to the softmax",
            sp.Le(supervised_risk, contrastive_risk - sp.log(p_min * (negatives + 1)) + gap, evaluate=False),
            "softmax of the mean classifier",
            "falsification",
            lambda: lemmas.softmax_of_means(exact).result,
        ),
        lemmas.infonce_range(exact),
        *u_statistic_steps(
            contrastive_risk, infonce_loss, 1 / temperature, spread, delta_loss / functions, False
        ),
    ]
    return conclude(
        "infonce_sharp" if exact else "infonce",
        supervised_risk,
        steps,
        infonce.expression(exact=exact),
        delta_loss,
        sizes=(blocks,),
        floor=infonce_loss - sp.log(p_min * (negatives + 1)) + gap,
        grows=(infonce_loss, triples, functions, span),
        also_falls=(p_min, temperature),
        domain=_DOMAIN,
        whole=True,
    )


def sharp() -> Derivation:
    """The same with the exact gap and range."""
    return proof(exact=True)
