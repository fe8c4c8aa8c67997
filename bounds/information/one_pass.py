"""The measures that one pass over the representations gives: what `describe` shows and a training loop can log."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bounds.arguments import checked
from bounds.errors import InvalidOption
from bounds.information.gaussian import log_det, log_det_entropy
from bounds.information.measure import Measure, attempt
from bounds.information.measures import (
    PowerLaw,
    alpha_req,
    exp_entropy,
    lidar_of,
    ne_sum,
    participation_ratio,
    stable_rank,
)
from bounds.information.rows import as_pair, as_rows
from bounds.information.self_cluster import self_cluster_of
from bounds.information.vicreg_terms import VICRegTerms, vicreg_terms
from bounds.summaries.geometry import Geometry
from bounds.summaries.units import moderate_unit


@checked()
def monitor(x1: Any, x2: Any = None) -> dict[str, float]:
    """The measures of one batch of representations, by name, for the log of a training loop.

        log(bounds.monitor(encoder(x1), encoder(x2)))      # {"rank_me": 31.2, "lidar": 28.9, ...}

    Those of `describe` that one pass gives; what does not apply (two-view measures of one view, a spectrum of a
    collapsed encoder) is left out. They depend on the number of rows: log them over equally many, at least several
    times as many as dimensions. Over more than one batch, and over processes, use
    `bounds.metrics.representation_metric`.

    Args:
        x1: Representations of the first views, (N, d), N ≥ 2; never differentiated.
        x2: Of the second views of the same items, (N, d), or None.

    Raises:
        InvalidData: NaN, infinity, fewer than two rows, or shapes that differ.

    Example:
        >>> import torch
        >>> z = torch.cat([torch.eye(3), -torch.eye(3)])
        >>> found = bounds.monitor(z, z)
        >>> round(found["rank_me"], 3), found["alignment"]
        (3.0, 0.0)
    """
    views = (as_rows(x1, least=2),) if x2 is None else as_pair((x1, x2))
    unit = moderate_unit(*views)
    return as_log(Geometry.empty(views[0].shape[1]).update(*(view / unit for view in views)), unit)


def as_log(seen: Geometry, unit: float = 1.0) -> dict[str, float]:
    """The measures that apply, by name, of rows seen divided by `unit`; none before two rows were seen.

    Example:
        >>> import torch
        >>> from bounds.information import as_log
        >>> from bounds.summaries import Geometry
        >>> seen = Geometry.empty(3).update(torch.eye(3))
        >>> round(as_log(seen)["rank_me"], 3)
        3.0
    """
    if seen.rows.count < 2:
        return {}
    return {one.name: one.value for one in one_pass(seen, unit=unit) if one.value is not None}


def one_pass(
    seen: Geometry,
    *,
    fit_range: tuple[int, int] | None = None,
    delta: float = 1e-4,
    gamma: float = 1.0,
    unit: float = 1.0,
) -> list[Measure]:
    """All measures of a summary of at least two rows, seen divided by `unit`; for the other arguments see `describe`.

    Raises:
        InvalidData: fewer than two rows.
        InvalidOption: a fit range without three positive eigenvalues.
    """
    singular, eigenvalues = spectra(seen)
    rank = log_det(seen.rows.matrix())[1]
    law = power_law(eigenvalues, fit_range, rank)
    entropy, terms = log_det_entropy(seen.rows), vicreg_terms(seen, gamma=gamma, unit=unit)
    nats = entropy.value + len(eigenvalues) * math.log(unit)
    return [
        attempt("rank_me", "exp entropy of s/|s|_1 + 1e-7, s of the raw matrix", exp_entropy, singular, 1e-7),
        attempt("stable_rank", "Σs²/s₁² of the raw matrix", stable_rank, singular),
        attempt("effective_rank", "exp entropy of covariance eigenvalues", exp_entropy, eigenvalues),
        attempt("participation_ratio", "(Σλ)²/Σλ² of the covariance", participation_ratio, eigenvalues),
        attempt("ne_sum", "Σλ/λ₁ of the covariance", ne_sum, eigenvalues),
        Measure("rank", float(rank), "eigenvalues of the correlations above d·eps·λ₁"),
        Measure("alpha_req", None, "needs three positive eigenvalues")
        if law is None
        else Measure(
            "alpha_req",
            law.alpha,
            f"λ_i ~ i^-alpha over ranks {law.first} to {law.last}, R² = {law.r_squared:.3f}",
        ),
        Measure("logdet_entropy", nats, f"nats, ½ ln det(2πeΣ); {entropy.bias}"),
        Measure(
            "vicreg_variance", terms.variance, f"mean over dimensions of (γ − deviation)₊, γ = {gamma:g}"
        ),
        Measure("vicreg_covariance", terms.covariance, "squared covariances off the diagonal, over d"),
        attempt(
            "self_cluster",
            "(‖UUᵀ‖² − E)/(n² − E), 0 for random directions",
            self_cluster_of,
            seen.directions,
            seen.directed,
        ),
        Measure("dead_dimensions", float(seen.rows.constant.sum()), "dimensions that never change"),
        *_of_pairs(seen, terms, delta, unit),
    ]


def spectra(seen: Geometry) -> tuple[Tensor, Tensor]:
    """Singular values of the raw matrix and eigenvalues of the covariance, largest first."""
    singular: Tensor = torch.linalg.svdvals(seen.triangle)[: min(seen.rows.count, len(seen.triangle))]
    return singular, torch.linalg.eigvalsh(seen.rows.matrix()).flip(0).clamp(min=0)


def power_law(eigenvalues: Tensor, fit_range: tuple[int, int] | None, rank: int) -> PowerLaw | None:
    """The fit of alpha-ReQ, or None where fewer than three eigenvalues are positive.

    Raises:
        InvalidOption: a fit range without three positive eigenvalues.
    """
    if fit_range is not None:
        first, last = fit_range
        if last < first:
            raise InvalidOption(f"`fit_range` must be (first, last) with first < last, got {fit_range}.")
        if last > len(eigenvalues):
            raise InvalidOption(
                f"`fit_range` ends at rank {last} where there are {len(eigenvalues)} dimensions."
            )
        return alpha_req(eigenvalues, first=first, last=last)
    positive = int((eigenvalues > len(eigenvalues) * torch.finfo(torch.float64).eps * eigenvalues[0]).sum())
    return alpha_req(eigenvalues) if min(rank, positive) >= 3 else None


def _of_pairs(seen: Geometry, terms: VICRegTerms, delta: float, unit: float) -> list[Measure]:
    if not seen.items.count:
        names = ("vicreg_invariance", "alignment", "lidar")
        return [Measure(name, None, "needs two views of each item") for name in names]
    return [
        Measure("vicreg_invariance", terms.invariance, "mean |z - z'|² over d"),
        Measure("alignment", None, "a row of zeros has no direction")
        if seen.aligned < seen.items.count
        else Measure("alignment", seen.apart / seen.aligned, "mean |z - z'|² on the unit sphere"),
        attempt(
            "lidar",
            f"exp entropy of the LDA spectrum of view pairs, delta = {delta:g}",
            partial(lidar_of, delta=delta, unit=unit),
            seen,
        ),
    ]
