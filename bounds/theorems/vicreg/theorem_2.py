"""What the proofs of Theorem 2 with its constants counted share: facts, and the numbers read off the data."""

from __future__ import annotations

from typing import Literal

from bounds.evidence.evidence import Evidence
from bounds.heads.linear import Head, require_affine, require_linear
from bounds.heads.losses import HeadLosses
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.concentration import class_frequencies, hoeffding, uniform
from bounds.proofs.lemmas.geometry import head_ball, root_mean_square
from bounds.proofs.terms import Fresh, Mean, Rad, Sample
from bounds.theorems.bound import shares
from bounds.theorems.common import head_distance, loss_range
from bounds.theorems.head_class import radius_index
from bounds.theorems.vocabulary import (
    ENCODER_CLASS,
    ENCODERS,
    RADII,
    REFERENCE_BALL,
    K,
    S,
    V,
    W,
    apart,
    deltas,
    residual,
)

SOURCE = (
    "Shwartz-Ziv, Balestriero, Kawaguchi, Rudner and LeCun, An Information-Theoretic Perspective on "
    "Variance-Invariance-Covariance Regularization, NeurIPS 2023, Theorem 2"
)

Residual = Literal["mean", "frobenius"]
d1, d2, d3, d4, d5, _ = deltas


def distances(pairs: Sample) -> tuple[Fact, Fact]:
    """Steps 4 and 5: distances on S against I, and I against the measured invariance, uniformly over F."""
    labeled = hoeffding(Mean(S, Fresh(apart)), d1, "invariance_labeled", upper=False)
    return labeled, uniform(Mean(pairs, apart), d2, ENCODER_CLASS, "invariance_pairs")


def reference_residual(pairs: Sample) -> tuple[Fact, Fact]:
    """Step 7: the residual of a head fitted on the pairs, uniformly over the ball that holds it."""
    fitted = uniform(Mean(pairs, residual(V)), d4, REFERENCE_BALL, "head_pairs", over=(RADII, ENCODERS))
    (complexity,) = fitted.rhs.atoms(Rad)
    return fitted, head_ball(complexity, K)


def reported(bound: Fact, pairs: Sample, residuals: Residual, prior_known: bool) -> Fact:
    """Step 8 and the class term: what is measured of the residuals, and TV where the prior is unknown."""
    measured = (Mean(S, residual(W)), Mean(pairs, residual(V)))
    if residuals == "frobenius":
        bound = bound.chain(*(root_mean_square(one) for one in measured if bound.rhs.has(one)))
    return bound if prior_known else bound.chain(class_frequencies(S, d5, K))


def variant(evidence: Evidence) -> dict[str, bool | Residual]:
    """The options of the proof on this evidence."""
    setting = evidence.setting
    return {
        "prior_known": setting.prior is not None,
        "conditioned_pairs": setting.conditioned_pairs,
        "residuals": setting.residual,
    }


def split(evidence: Evidence, delta: float, *events: str) -> dict[str, float]:
    """δ in equal parts over the events; a known prior makes the class term a number, which spends nothing."""
    known = evidence.setting.prior is not None
    return shares(delta, *events, *(() if known else ("delta_5",)))


def reference_values(
    evidence: Evidence, head: Head | None = None, reference: Head | None = None
) -> dict[str, float]:
    """Numbers of the reference head V."""
    head, reference = head or require_linear(evidence.head), reference or evidence.reference
    return {
        **radius_index(reference.frobenius_norm),
        "frobenius_ref": reference.frobenius_norm,
        "c": head_distance(head, reference),
        "kappa_ref": loss_range(reference, evidence.setting.radius),
        **_residuals("ref", evidence.first_view_losses(reference)),
    }


def labeled_values(evidence: Evidence, head: Head | None = None) -> dict[str, float]:
    """Numbers of the head W on S."""
    head = head or require_affine(evidence.head)
    return {
        "W_norm": head.spectral_norm,
        "kappa_S": loss_range(head, evidence.setting.radius),
        **_residuals("S", evidence.labeled_losses(head)),
    }


def _residuals(where: str, losses: HeadLosses) -> dict[str, float]:
    return {f"residual_{where}": losses.mean_residual, f"rms_{where}": losses.rms_residual}
