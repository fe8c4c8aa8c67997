"""`supervised`, `supervised_projected`: standard training on a frozen encoder, uniformly over heads."""

from __future__ import annotations

import math

from bounds.derivations import supervised as derivation
from bounds.evidence.evidence import Evidence
from bounds.heads.linear import require_affine
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.head_class import grid_radius

SOURCE = "Bartlett and Mendelson (2002), Thm 8; Maurer (2016), Cor. 4; grid of radii of this package"
_TEXTS = {"head_complexity": ("Rademacher complexity of linear heads on S", "more labels, a smaller head")}


def _values(evidence: Evidence, delta: float, per_octave: int) -> dict[str, float]:
    head = require_affine(evidence.head)
    setting, losses = evidence.setting, evidence.labeled_losses(head)
    # An intercept is the weight of one more coordinate, which is one for every item.
    norm, radius = head.frobenius_norm, setting.radius
    if head.bias is not None:
        norm, radius = math.hypot(norm, float(head.bias.norm())), math.hypot(radius, 1.0)
    return {
        **grid_radius(norm, per_octave),
        "n": evidence.n,
        "K": setting.num_classes,
        "B": radius,
        "residual_S": losses.mean_residual if setting.residual == "mean" else losses.rms_residual,
        "projected_S": losses.projected_residual,
        "delta": delta,
    }


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    return Inputs(derivation.expression(), _values(evidence, delta, 1), {"delta": delta}, evidence.head)


def _projected_inputs(evidence: Evidence, delta: float) -> Inputs:
    return Inputs(
        derivation.expression(projected=True), _values(evidence, delta, 4), {"delta": delta}, evidence.head
    )


SUPERVISED = Theorem(
    name="supervised",
    title="supervised Rademacher bound on a frozen encoder",
    source=SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    assumptions=("A2", "A4", "A6"),
    inputs=_inputs,
    texts=_TEXTS,
)

SUPERVISED_PROJECTED = Theorem(
    name="supervised_projected",
    title="supervised Rademacher bound, head projected on the simplex",
    source=SOURCE + "; Sudakov-Fernique in place of vector contraction",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    assumptions=SUPERVISED.assumptions,
    inputs=_projected_inputs,
    texts={**_TEXTS, "labeled_residual": ("projected training residual on S", "linear separability on S")},
)
