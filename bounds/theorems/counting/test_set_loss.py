r"""`test_set_loss`: the projected loss of test items, by bets of constant stakes or by the kl limit.

E‖Π(W f(x)) − y‖ ≤ √2·min{p : (1/|C|) Σ_c Π_i [1 + c(p − H_i)/(1 − p)] ≥ 1/δ}, H_i the loss of item i over √2; or
√2·kl⁻¹(mean/√2; ln(1/δ)/N).
"""

from __future__ import annotations

import math
from functools import cache

import torch

from bounds.arguments import one_of
from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import outcomes, test_apart, test_mean
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.concentration import kl_limit
from bounds.proofs.terms import E, Mean
from bounds.summaries.constant_stakes import LOSS_STAKES, constant_stakes_upper
from bounds.theorems.bound import Inputs, Theorem
from bounds.theorems.vocabulary import TEST, W, concluded, delta, loss_limit, projected

_METHOD = one_of("betting", "kl")


@cache
def proof(*, betting: bool = True) -> Conclusion:
    """One step: a projected prediction and a label are points of the simplex, at most √2 apart."""
    limit = loss_limit().isolate(E(projected(W))) if betting else kl_limit(Mean(TEST, projected(W)), delta)
    return concluded(limit, E(projected(W)))


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    betting = _METHOD("test_set_loss", evidence.setting.options.get("test_set_loss", "betting")) == "betting"
    losses = test_mean(evidence, evidence.head)
    values = {"N": losses.trials, "projected_H": losses.mean, "delta": delta}
    table: dict[str, dict[str, float]] = {}
    if betting:
        largest = math.sqrt(2.0)
        entered = test_apart(evidence).entered(outcomes(evidence, evidence.head, "test")[1], largest)
        shares = torch.from_numpy(entered / largest).clamp(0.0, 1.0)[None]
        values["loss_limit"] = limit = largest * constant_stakes_upper(shares, delta, LOSS_STAKES)
        spread = largest * float(shares.std(unbiased=False))
        row = {"items": losses.trials, "loss": losses.mean, "spread": spread, "limit": limit}
        table = {"test items": row}
    return Inputs.proven(proof(betting=betting), values, {"delta": delta}, evidence.head, table=table)


TEST_SET_LOSS = Theorem(
    name="test_set_loss",
    title="held-out labels, limit of the projected loss by betting, by kl on request",
    source="this package; after Waudby-Smith and Ramdas (2024); or Hoeffding (1963), Thm 1, inverted",
    statement=r"\mathbb{E}\|\Pi(W_S f(x)) - y\|",
    predictor="head W_S, projected on the simplex",
    inputs=_inputs,
    options=("test_set_loss",),
    texts={"test_loss": ("measured projected loss on the held-out items", "a better head")},
    proof=proof,
)
