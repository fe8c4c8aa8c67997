"""`vicreg_second_moment`: bias of K class means plus half the invariance, with factor one.

E‖W f − y‖² ≤ (√bias + ‖W‖₂g)² + Î_W + √(2V̂ ln(2J/δ₂)/m) + 7R ln(2J/δ₂)/(3(m − 1)) + M²·TV,  R = ½‖W‖₂²τ²,
bias = Σp̂_y‖Wμ̂_y − e_y‖², Î_W = half the mean square of W applied to the difference of two views, g the smaller of the
radii of Pinelis and of Klein and Rio for the deviation of the class means, M the reach of the true class means.
"""

from __future__ import annotations

import math
from functools import cache

import sympy as sp
import torch

from bounds.derivations import symbols as s
from bounds.derivations.expression import Expression
from bounds.errors import NotApplicable
from bounds.evidence.evidence import Evidence
from bounds.evidence.half_invariance import half_invariance, mean_half_invariance
from bounds.heads.linear import Head, require_affine
from bounds.proofs.conclude import Conclusion
from bounds.proofs.lemmas.class_means import bias_of_means, bias_shift, class_means, class_means_radius
from bounds.proofs.lemmas.concentration import bernstein, class_frequencies
from bounds.proofs.lemmas.geometry import polarised
from bounds.proofs.terms import Apply, E, Mean, Norm
from bounds.theorems.axes import ROOT_LOSS
from bounds.theorems.bound import Inputs, Theorem, shares
from bounds.theorems.common import loss_range, pair_total_variation, require_fixed_encoder
from bounds.theorems.vocabulary import RIDGES, K, S, W, concluded, deltas, f, known_pairs, residual, y, z, z2

SOURCE = (
    "this package: second-moment form of Theorem 2 of Shwartz-Ziv et al. (2023); Pinelis (1994), "
    "Klein and Rio (2005), Maurer and Pontil (2009), Weissman et al. (2003)"
)
_d1, _d2, _, _, _d5, _ = deltas
_RADIUS = Expression({"g": class_means_radius.formula(s.K, s.n, s.n_min, s.B, s.tau, s.delta_1)})


@cache
def proof(*, prior_known: bool, conditioned_pairs: bool, grid: bool) -> Conclusion:
    """Squares around the middle of two views, deviation of K class means, empirical Bernstein on the pairs."""
    head, over = (RIDGES.chosen, (RIDGES,)) if grid else (W, ())
    one, two = Apply(head, z), Apply(head, z2)
    near = class_means(S, f, K, _d1)
    half = Mean(known_pairs(conditioned_pairs), Norm(one - two) ** 2 / 2)
    bound = (
        polarised(one, two, y)
        .expect()
        .chain(
            bias_shift(head, f, S, near, prior_known),
            bias_of_means(head, f, S),
            near,
            bernstein(half, _d2, "half_invariance", over=over),
        )
    )
    if not prior_known:
        bound = bound.chain(class_frequencies(S, _d5, K))
    return concluded(bound.root(), sp.sqrt(E(residual(head) ** 2)))


def _ridge(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    return proof(prior_known=prior_known, conditioned_pairs=conditioned_pairs, grid=True)


def _one_head(*, prior_known: bool = False, conditioned_pairs: bool = False) -> Conclusion:
    return proof(prior_known=prior_known, conditioned_pairs=conditioned_pairs, grid=False)


def _inputs_for(
    evidence: Evidence, delta: float, head: Head, half: tuple[float, float], *, grid: int
) -> Inputs:
    """For one head with the mean and the variance of its half invariance, chosen from a grid of given size or from none."""
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
        "W_norm": head.spectral_norm,
        "heads": grid,
        "half_invariance": half[0],
        "V_head": half[1],
        "TV_pairs": pair_total_variation(evidence),
        **split,
    }
    radius = _RADIUS.evaluate(values)["g"]
    distance = _distances(evidence, head)
    frequencies = evidence.classes.frequencies
    values["bias"] = float((frequencies * distance.square()).sum())
    reach = torch.where(
        present,
        distance + head.spectral_norm * radius / frequencies.sqrt(),
        math.inf,
    ).clamp_max(loss_range(head, setting.radius))
    values["reach"] = float(reach.max())
    if setting.prior is not None:
        excess = (setting.prior.to(frequencies) - frequencies).clamp_min(0.0)
        values["class_excess"] = float((excess * reach.square()).sum())
    conclusion = proof(prior_known=known, conditioned_pairs=setting.conditioned_pairs, grid=bool(grid))
    return Inputs.proven(conclusion, values, split, head)


def _distances(evidence: Evidence, head: Head) -> torch.Tensor:
    """‖W μ̂_y (+ b) − e_y‖ per class."""
    means = evidence.classes.means
    identity = torch.eye(len(means), dtype=means.dtype, device=means.device)
    distances: torch.Tensor = torch.linalg.vector_norm(head(means) - identity, dim=1)
    return distances


def _inputs(evidence: Evidence, delta: float) -> Inputs:
    head = require_affine(evidence.head)
    return _inputs_for(evidence, delta, head, half_invariance(evidence, head), grid=0)


def _ridge_inputs(evidence: Evidence, delta: float) -> Inputs:
    """The best of the grid. A variance costs a pass over the pairs: none where the bound is too large without it."""
    heads = evidence.ridge_heads
    if not heads:
        raise NotApplicable("needs representations that vary over S.")

    def inputs(head: Head, half: tuple[float, float]) -> Inputs:
        return _inputs_for(evidence, delta, head, half, grid=len(heads))

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
    inputs=_inputs,
    axis=ROOT_LOSS,
    proof=_one_head,
)

SECOND_MOMENT_RIDGE = Theorem(
    name="vicreg_second_moment_ridge",
    title="second-moment form, best affine ridge head of a grid",
    source=SOURCE,
    statement=r"\sqrt{\mathbb{E}\|W f(x) + b - y\|^2}",
    predictor="affine ridge head on S, penalty chosen from a grid paid for in δ",
    inputs=_ridge_inputs,
    axis=ROOT_LOSS,
    proof=_ridge,
)
