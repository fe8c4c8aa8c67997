"""`vicreg_certified`, `vicreg_direct`, `vicreg_best`, `trivial_reference`: Theorem 2 with the constants counted."""

from __future__ import annotations

from bounds.derivations import vicreg_certified as derivation
from bounds.evidence.evidence import Evidence
from bounds.heads.linear import require_affine, require_linear
from bounds.heads.losses import HeadLosses
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import head_distance, loss_range, sizes
from bounds.theorems.head_class import head_radius
from bounds.theorems.vicreg import SOURCE

_PREDICTOR = "head W_S as given by `head`"


def _residual(evidence: Evidence, losses: HeadLosses) -> float:
    return losses.mean_residual if evidence.setting.residual == "mean" else losses.rms_residual


def _reference_values(evidence: Evidence) -> dict[str, float]:
    head, reference = require_linear(evidence.head), evidence.reference
    return {
        **head_radius(reference),
        "c": head_distance(head, reference),
        "kappa_ref": loss_range(reference, evidence.setting.radius),
        "residual_ref": _residual(evidence, evidence.first_view_losses(reference)),
    }


def _labeled_values(evidence: Evidence) -> dict[str, float]:
    head = require_affine(evidence.head)
    return {
        "W_norm": head.spectral_norm,
        "kappa_S": loss_range(head, evidence.setting.radius),
        "residual_S": _residual(evidence, evidence.labeled_losses(head)),
    }


def _variant(evidence: Evidence) -> dict[str, bool]:
    setting = evidence.setting
    return {"prior_known": setting.prior is not None, "conditioned_pairs": setting.conditioned_pairs}


def _class_events(evidence: Evidence) -> tuple[str, ...]:
    """A known prior makes the class term a number: no δ is spent on it."""
    return () if evidence.setting.prior is not None else ("delta_5",)


def _certified_inputs(evidence: Evidence, delta: float) -> Inputs:
    split = shares(delta, "delta_1", "delta_2", "delta_3", "delta_4", *_class_events(evidence))
    values = {**sizes(evidence), **_reference_values(evidence), **_labeled_values(evidence), **split}
    return Inputs(derivation.certified(**_variant(evidence)), values, split, evidence.head)


def _direct_inputs(evidence: Evidence, delta: float) -> Inputs:
    split = shares(delta, "delta_1", "delta_2", *_class_events(evidence))
    values = {**sizes(evidence), **_labeled_values(evidence), **split}
    return Inputs(derivation.direct(**_variant(evidence)), values, split, evidence.head)


def _best_inputs(evidence: Evidence, delta: float) -> Inputs:
    """The events of §3 are among those of §2, so the smaller of both holds at the δ of §2."""
    certified = _certified_inputs(evidence, delta)
    direct = Inputs(
        derivation.direct(**_variant(evidence)),
        {**sizes(evidence), **_labeled_values(evidence), **certified.split},
        certified.split,
        evidence.head,
        ("the smaller is theory §3 (label-free), at the δ shares of §2",),
    )

    def value(one: Inputs) -> float:
        return one.expression.combined(one.expression.evaluate(one.values))

    return min((certified, direct), key=value)


def _trivial_inputs(evidence: Evidence, delta: float) -> Inputs:
    values = {**sizes(evidence), **_reference_values(evidence), "delta_4": delta}
    expression = derivation.trivial(conditioned_pairs=evidence.setting.conditioned_pairs)
    return Inputs(expression, values, {"delta_4": delta}, evidence.head)


CERTIFIED = Theorem(
    name="vicreg_certified",
    title="VICReg bound, same proof, constants counted",
    source=SOURCE + "; constants counted step by step",
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor=_PREDICTOR,
    assumptions=("A1", "A2", "A3", "A4", "A5", "A6", "A7", "K", "prior"),
    inputs=_certified_inputs,
    texts={},
)

DIRECT = Theorem(
    name="vicreg_direct",
    title="VICReg bound without labels of the pairs",
    source="this package, from the proof of " + SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor=_PREDICTOR,
    assumptions=("A1", "A2", "A3", "A4", "A5", "A6", "K", "prior"),
    inputs=_direct_inputs,
    texts={},
)

BEST = Theorem(
    name="vicreg_best",
    title="the smaller of vicreg_certified and vicreg_direct at common δ",
    source=CERTIFIED.source,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor=_PREDICTOR,
    assumptions=CERTIFIED.assumptions,
    inputs=_best_inputs,
    texts={},
)

TRIVIAL = Theorem(
    name="trivial_reference",
    title="one-line reference: residual of W_S̄ plus c·B",
    source="triangle inequality; step 7 of the proof of " + SOURCE,
    statement=r"\mathbb{E}\|W_S f(x) - y\|",
    predictor=_PREDICTOR,
    assumptions=("A3", "A4", "A5", "A6", "prior"),
    inputs=_trivial_inputs,
    texts={"unlabeled_residual": ("residual of the reference head on S̄", "linear separability on S̄")},
)
