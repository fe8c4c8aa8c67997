"""`vicreg_sharp`: Theorem 2 with simplex projection, kl limits, known prior and fresh second views."""

from __future__ import annotations

import math

from bounds.derivations import vicreg_sharp as derivation
from bounds.evidence.evidence import Evidence
from bounds.heads.linear import require_linear
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import head_distance, loss_range, require_fixed_encoder, sizes
from bounds.theorems.vicreg.vicreg import SOURCE


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    require_fixed_encoder(evidence)
    setting, head = evidence.setting, require_linear(evidence.head)
    reference = evidence.reference
    known = setting.prior is not None
    frequencies = () if known else ("delta_5",) if setting.conditioned_pairs else ("delta_5", "delta_6")
    split = shares(delta, "delta_1", "delta_2", "delta_3", "delta_4", *frequencies)
    values = {
        **sizes(evidence),
        "c": head_distance(head, reference),
        "kappa_S": math.sqrt(2.0),
        "kappa_ref": loss_range(reference, setting.radius),
        "projected_S": evidence.labeled_losses(head).projected_residual,
        "phi_S": evidence.labeled_losses(reference).mean_residual,
        "phi_second": evidence.second_view_losses(reference).mean_residual,
        **split,
    }
    expression = derivation.expression(prior_known=known, conditioned_pairs=setting.conditioned_pairs)
    return Inputs(expression, values, split, head)


SHARP = Theorem(
    name="vicreg_sharp",
    title="VICReg bound with every valid tightening",
    source="this package, from the proof of " + SOURCE,
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    assumptions=("A1", "A2", "A3", "A4", "A5", "A6", "A7", "K", "prior"),
    inputs=_inputs,
    texts={
        "unlabeled_residual": (
            "residual of the reference head on fresh second views",
            "linear separability on S̄",
        ),
        "labeled_residual": ("projected training residual of the head on S", "linear separability on S"),
    },
)
