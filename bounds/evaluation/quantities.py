"""The scalars behind the bounds, and what was measured on the test items for each head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bounds.evidence.evidence import Evidence
from bounds.evidence.kept_apart import test_apart
from bounds.evidence.thinning import chosen_rows
from bounds.heads.fitted import FittedHead
from bounds.heads.linear import Head, spectral_norm
from bounds.theorems import Bound, select


def measured_losses(evidence: Evidence, found: Mapping[str, Bound]) -> dict[str, dict[str, float]]:
    """Losses of every head that a bound of this report speaks about, on the test items that it was not made from."""
    if evidence.test is None:
        return {}
    wanted = {bound.head for bound in found.values()} | {evidence.head.name}
    heads: dict[str, FittedHead] = {head.name: head for head in evidence.known_heads() if head.name in wanted}
    items = measurable(evidence)
    if not len(items):
        return {}
    whole = len(items) == evidence.test.count
    measured = evidence if whole else replace(evidence, test=chosen_rows(evidence.test, items))
    losses = measured.test_losses_of(list(heads.values()))
    return {
        name: {
            "loss": one.mean_residual,
            "projected_loss": one.projected_residual,
            "squared_loss": one.mean_square,
            "error": one.error,
        }
        for name, one in zip(heads, losses, strict=True)
    }


def measurable(evidence: Evidence) -> np.ndarray:
    """Test items that are no copies of what the heads were made from."""
    return np.flatnonzero(~test_apart(evidence).leaked)


def quantities(evidence: Evidence) -> dict[str, float]:
    """The scalars behind the bounds, by name."""
    setting, head = evidence.setting, evidence.head
    squares, losses = evidence.least_squares, evidence.labeled_losses(evidence.head)
    found: dict[str, float] = {
        "n": evidence.n,
        "K": setting.num_classes,
        "d": evidence.labeled.dim,
        "B": setting.radius,
        "tau": setting.tau,
        "rank_S": squares.rank(),
        "rank_tolerance": squares.default_rtol(),
        "labeled_residual_mean": losses.mean_residual,
        "labeled_residual_rms": losses.rms_residual,
        "PY_S": evidence.labeled_losses(evidence.min_norm).rms_residual * evidence.n**0.5,
        "training_error": losses.error,
        "max_norm": evidence.classes.max_norm,
        "classes_in_S": int((evidence.classes.counts > 0).sum()),
        "trivial_loss": evidence.constant_loss,
        "trivial_error": evidence.constant_error,
    }
    if isinstance(head, Head):
        found |= {"W_S_norm": head.spectral_norm, "W_S_frobenius": head.frobenius_norm}
    if evidence.pairs is not None:
        moments = evidence.pair_moments
        found |= {
            "m": evidence.m,
            "invariance": moments.invariance,
            "invariance_rms": float(moments.norms.root_mean_square[0]),
            "invariance_max": float(moments.norms.maximum[0]),
        }
        if evidence.pairs.labels is not None:
            found |= {
                "rank_S_bar": evidence.pair_least_squares.rank(),
                "PY_S_bar": evidence.first_view_losses(evidence.min_norm_reference).rms_residual
                * evidence.m**0.5,
            }
            short = select(["vicreg_short"])[0].attempt(evidence, 0.5)
            if isinstance(short, Bound):
                found["vicreg_short"] = short.value
        if evidence.has_reference and isinstance(head, Head):
            reference = evidence.reference
            first = evidence.first_view_losses(reference)
            found |= {
                "c": spectral_norm(head.weight - reference.weight),
                "W_ref_norm": reference.spectral_norm,
                "W_ref_frobenius": reference.frobenius_norm,
                "unlabeled_residual_mean": first.mean_residual,
                "unlabeled_residual_rms": first.rms_residual,
            }
    if evidence.test is not None:
        found["N"] = evidence.test.count
        found["N_measured"] = len(measurable(evidence))
    return {name: float(value) for name, value in found.items()}
