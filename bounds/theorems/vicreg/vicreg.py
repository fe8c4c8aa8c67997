"""`vicreg`: Theorem 2 of Shwartz-Ziv et al. (2023), printed or counted constants, and its short form."""

from __future__ import annotations

import math

from bounds.derivations import vicreg as derivation
from bounds.evidence.evidence import Evidence
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import head_distance, loss_range, root_frequencies, sizes
from bounds.theorems.head_class import head_radius

SOURCE = (
    "Shwartz-Ziv, Balestriero, Kawaguchi, Rudner and LeCun, An Information-Theoretic Perspective on "
    "Variance-Invariance-Covariance Regularization, NeurIPS 2023, Theorem 2"
)


def _values(evidence: Evidence) -> dict[str, float]:
    head, reference = evidence.min_norm, evidence.min_norm_reference
    radius = evidence.setting.radius
    return {
        **sizes(evidence),
        **head_radius(reference),
        "c": head_distance(head, reference),
        "PY_S": evidence.labeled_losses(head).rms_residual * math.sqrt(evidence.n),
        "PY_ref": evidence.first_view_losses(reference).rms_residual * math.sqrt(evidence.m),
        "kappa_S": loss_range(head, radius),
        "kappa_ref": loss_range(reference, radius),
        "root_frequencies": root_frequencies(evidence),
    }


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    constants = evidence.setting.constants
    level = delta if constants == "printed" else delta / float(sum(derivation.PRINTED_SHARES))
    names = ("invariance_pairs", "invariance_labeled", "class_frequencies", "head_pairs", "head_labeled")
    return Inputs(
        derivation.expression(constants, conditioned_pairs=evidence.setting.conditioned_pairs),
        {**_values(evidence), "delta": delta},
        {name: float(part) * level for name, part in zip(names, derivation.PRINTED_SHARES, strict=True)},
        evidence.min_norm,
        ()
        if constants == "counted"
        else (
            "printed constants spend 4δ/3 and do not pay for β: not a certificate; see constants='counted'",
        ),
    )


def _short_inputs(evidence: Evidence, delta: float) -> Inputs:
    return Inputs(
        derivation.short_form(),
        _values(evidence),
        {},
        evidence.min_norm,
        (
            f"an expression, not a bound: c = 1, Q hidden, depends on the scale of f (B = {evidence.setting.radius:g})",
        ),
    )


VICREG = Theorem(
    name="vicreg",
    title="VICReg bound, the paper's Theorem 2",
    source=SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="minimum-norm head W_S",
    assumptions=("A1", "A2", "A3", "A4", "A5", "A6", "A7", "K", "constants", "prior"),
    inputs=_inputs,
    texts={
        "head_complexity": (
            "Rademacher complexity of the reference heads, four times",
            "more pairs, a smaller ‖W_S̄‖_F, fewer classes",
        )
    },
)

VICREG_SHORT = Theorem(
    name="vicreg_short",
    title="VICReg expression of the main text (not a bound)",
    source=SOURCE + ", short form",
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="minimum-norm head W_S",
    assumptions=(),
    inputs=_short_inputs,
    texts={},
    kind="expression",
)
