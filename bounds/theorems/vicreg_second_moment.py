"""`vicreg_second_moment`: bias of K class means plus half the invariance, with factor one (theory §3b)."""

from __future__ import annotations

import math

import torch

from bounds.derivations import vicreg_second_moment as derivation
from bounds.derivations.expression import Expression
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.half_invariance import half_invariance, mean_half_invariance
from bounds.heads.linear import Head, require_affine
from bounds.theorems.axes import ROOT_LOSS
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import loss_range, pair_total_variation, require_fixed_encoder

SOURCE = (
    "this package: second-moment form of Theorem 2 of Shwartz-Ziv et al. (2023); Pinelis (1994), "
    "Maurer and Pontil (2009), Weissman et al. (2003)"
)
# Klein-Rio is sharper than Pinelis from here on with ten classes, later with fewer; fixed by n, so no δ is paid for it.
KLEIN_RIO_FROM = 1000


def _inputs_for(
    evidence: Evidence,
    delta: float,
    head: Head,
    half: tuple[float, float],
    grid: int = 1,
    concentration: derivation.Concentration = "pinelis",
) -> Inputs:
    """For one head with the mean and the variance of its half invariance, chosen from a grid of given size."""
    require_fixed_encoder(evidence)
    setting = evidence.setting
    known = setting.prior is not None
    split = shares(delta, "delta_1", "delta_2", *(() if known else ("delta_5",)))
    counts, present = evidence.classes.counts, evidence.classes.counts > 0
    values = {
        "n": evidence.n,
        "m": evidence.m,
        "K": setting.num_classes,
        "B": setting.radius,
        "tau": setting.tau,
        "n_min": int(counts[present].min()),
        "variance_total": setting.num_classes * min(setting.radius**2, setting.tau**2 / 2),
        "W_norm": head.spectral_norm,
        "heads": grid,
        "half_invariance": half[0],
        "V_head": half[1],
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    radius = Expression({"g": derivation.class_mean_radius(concentration)}).evaluate(values)["g"]
    distance = _distances(evidence, head)
    frequencies = evidence.classes.frequencies
    values["bias"] = float((frequencies * distance.square()).sum())
    reach = torch.where(
        present,
        distance + head.spectral_norm * radius / frequencies.clamp_min(1e-300).sqrt(),
        math.inf,
    ).clamp_max(loss_range(head, setting.radius))
    values["reach"] = float(reach.max())
    if setting.prior is not None:
        excess = (setting.prior.to(frequencies) - frequencies).clamp_min(0.0)
        values["class_excess"] = float((excess * reach.square()).sum())
    expression = derivation.expression(
        prior_known=known, conditioned_pairs=setting.conditioned_pairs, concentration=concentration
    )
    return Inputs(expression, values, split, head)


def _distances(evidence: Evidence, head: Head) -> torch.Tensor:
    """‖W μ̂_y (+ b) − e_y‖ per class."""
    means = evidence.classes.means
    identity = torch.eye(len(means), dtype=means.dtype, device=means.device)
    distances: torch.Tensor = torch.linalg.vector_norm(head(means) - identity, dim=1)
    return distances


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    head = require_affine(evidence.head)
    return _inputs_for(evidence, delta, head, half_invariance(evidence, head))


def _ridge_inputs(evidence: Evidence, delta: float) -> Inputs:
    """The best of the grid. A variance costs a pass over the pairs: none where the bound is too large without it."""
    heads = evidence.ridge_heads
    if not heads:
        raise NotApplicable("needs representations that vary over S.")
    concentration: derivation.Concentration = "klein_rio" if evidence.n >= KLEIN_RIO_FROM else "pinelis"

    def inputs(head: Head, half: tuple[float, float]) -> Inputs:
        return _inputs_for(evidence, delta, head, half, len(heads), concentration)

    floors = evidence.agreed([inputs(h, (mean_half_invariance(evidence, h), 0.0)).value for h in heads])
    tried: list[tuple[float, Inputs]] = []
    for floor, head in sorted(zip(floors, heads, strict=True), key=lambda one: one[0]):
        if any(least <= floor for least, _ in tried):
            break
        found = inputs(head, half_invariance(evidence, head))
        (value,) = evidence.agreed([found.value])
        tried.append((value, found))
    return min(tried, key=lambda one: one[0])[1]


SECOND_MOMENT = Theorem(
    name="vicreg_second_moment",
    title="second-moment form of the VICReg bound",
    source=SOURCE,
    statement=r"\sqrt{\mathbb{E}\|W f(x) - y\|^2}",
    predictor="head W_S as given by `head`",
    assumptions=("A1", "A2", "A3", "A4", "A5", "A6", "A7", "K", "prior"),
    inputs=_inputs,
    texts={},
    axis=ROOT_LOSS,
)

SECOND_MOMENT_RIDGE = Theorem(
    name="vicreg_second_moment_ridge",
    title="second-moment form, best affine ridge head of a grid",
    source=SOURCE + ", Klein and Rio (2005)",
    statement=r"\sqrt{\mathbb{E}\|W f(x) + b - y\|^2}",
    predictor="affine ridge head on S, penalty chosen from a grid paid for in δ",
    assumptions=SECOND_MOMENT.assumptions,
    inputs=_ridge_inputs,
    texts={},
    axis=ROOT_LOSS,
)
