"""`vicreg_best`: the smaller of `vicreg_certified` and `vicreg_direct`, both on the events of the first."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from bounds.evidence.evidence import Evidence
from bounds.proofs.conclude import Conclusion
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vicreg import vicreg_certified, vicreg_direct
from bounds.theorems.vicreg.theorem_2 import Residual, variant
from bounds.theorems.vocabulary import LOSS, concluded


@cache
def proof(
    *, prior_known: bool = False, conditioned_pairs: bool = False, residuals: Residual = "mean"
) -> Conclusion:
    """Both hold on the union of their events, which are those of `vicreg_certified`."""
    options = {"prior_known": prior_known, "conditioned_pairs": conditioned_pairs, "residuals": residuals}
    certified, direct = (one.proof(**options).fact for one in (vicreg_certified, vicreg_direct))
    return concluded(certified.smaller(direct), LOSS)


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    """The smaller half shows its own terms; the assumptions are those of both."""
    certified = vicreg_certified.inputs(evidence, delta)
    both = proof(**variant(evidence))
    half = vicreg_direct.proof(**variant(evidence))
    direct = replace(
        certified,
        expression=half.expression,
        conclusion=half,
        notes=("the smaller is vicreg_direct (label-free), at the shares of δ of vicreg_certified",),
    )
    smaller = min((certified, direct), key=lambda one: one.value)
    return replace(smaller, assumptions=both.assumptions)


BEST = Theorem(
    name="vicreg_best",
    title="the smaller of vicreg_certified and vicreg_direct at common δ",
    source=vicreg_certified.CERTIFIED.source,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor="head W_S as given by `head`",
    inputs=_inputs,
    proof=proof,
)
