"""`vicreg`: Theorem 2 of Shwartz-Ziv et al. (2023) as printed, or proven with its logarithms at 3δ/4; its short form.

The printed logarithms spend 4δ/3 and do not pay for the radius of the reference head, so no proof ends in them: an
estimate. Counted, the proof is that of `vicreg_certified` with the paper's class term κ_S·√(ln(K/δ₅)/n)·Σ(√p̂ + √p).
"""

from __future__ import annotations

import math
from functools import cache

from bounds.derivations import vicreg as derivation
from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.class_means import root_frequencies as rooted
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.common import head_distance, loss_range, root_frequencies, sizes
from bounds.theorems.head_class import head_radius
from bounds.theorems.vicreg.theorem_2 import SOURCE, d5, labeled_values, reference_values
from bounds.theorems.vicreg.vicreg_certified import steps
from bounds.theorems.vocabulary import LOSS, K, S, concluded

# Parts of δ that the printed logarithms spend, together 4/3: labeled items, pairs, reference head on S and on the
# pairs, class frequencies.
PRINTED = {"delta_1": 1 / 3, "delta_2": 1 / 3, "delta_3": 1 / 4, "delta_4": 1 / 4, "delta_5": 1 / 6}


@cache
def proof(*, conditioned_pairs: bool = False) -> Conclusion:
    """Steps 1 to 8 of the theorem, with roots of frequencies in place of the total variation."""
    bound = steps(True, conditioned_pairs, "frobenius")
    return concluded(bound.chain(rooted(S, d5, K)), LOSS)


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
    head, conditioned = evidence.min_norm, evidence.setting.conditioned_pairs
    if evidence.setting.constants == "counted":
        split = {name: part * delta * 3 / 4 for name, part in PRINTED.items()}
        values = {
            **sizes(evidence),
            **reference_values(evidence, head, evidence.min_norm_reference),
            **labeled_values(evidence, head),
            "root_frequencies": root_frequencies(evidence),
            **split,
        }
        return Inputs.proven(proof(conditioned_pairs=conditioned), values, split, head)
    return Inputs(
        derivation.expression(conditioned_pairs=conditioned),
        {**_values(evidence), "delta": delta},
        {name: part * delta for name, part in PRINTED.items()},
        head,
        ("printed constants spend 4δ/3 and do not pay for β: not a certificate; see constants='counted'",),
        assumptions=(*proof().assumptions, "constants"),
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
    inputs=_inputs,
    proof=proof,
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
