"""The squared loss: bias of class means plus half the invariance, and the deviation of the class means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.functions import Min
from bounds.derivations.lemmas.geometry import apply, norm, one_hot, spectral
from bounds.derivations.quantities import (
    mean_gap,
    sampled_class_part,
)
from bounds.derivations.search import Array, falsify, simplex
from bounds.derivations.steps import Result, Step
from bounds.derivations.symbols import W_norm, bias


def _square(vector: sp.Matrix) -> sp.Expr:
    return (vector.T * vector)[0]


@cache
def minkowski() -> Step:
    """√Σp̂‖Wμ − e‖² ≤ √Σp̂‖Wμ̂ − e‖² + ‖W‖₂√Σp̂‖μ̂ − μ‖²."""
    statement = sp.Le(sampled_class_part, (sp.sqrt(bias) + W_norm * mean_gap) ** 2, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        head, share = x[:, :4].reshape(-1, 2, 2), simplex(x[:, 4:6])
        true, seen = x[:, 6:10].reshape(-1, 2, 2), x[:, 10:14].reshape(-1, 2, 2)

        def weighted(means: Array) -> Array:
            total: Array = (share * norm(np.einsum("nij,nyj->nyi", head, means) - np.eye(2)) ** 2).sum(1)
            return total

        gap = (share * norm(true - seen) ** 2).sum(1)
        return {
            sampled_class_part: weighted(true),
            bias: weighted(seen),
            W_norm: spectral(head),
            mean_gap: np.sqrt(gap),
        }

    tight = np.array([[1.0, 0, 0, 1, 1, 0, 4, 0, 0, 0, 2, 0, 0, 0]])
    return Step(
        "Minkowski",
        statement,
        "Minkowski in the p_hat-weighted norm, then the spectral norm",
        "falsification",
        lambda: falsify(statement, instances, 14, extremal=tight),
        note="The deviation of the class means is free of the head, so the head may be any function of S.",
    )


@cache
def reach_of_means() -> Step:
    """‖Wμ_y − e_y‖ ≤ min(1 + ‖W‖₂B, ‖Wμ̂_y − e_y‖ + ‖W‖₂g/√p̂_y) =: M_y."""
    left, seen, radius, share, gap = sp.symbols("bias_y bias_hat_y B p_hat_y g", nonnegative=True)
    statement = sp.Le(left, Min(1 + W_norm * radius, seen + W_norm * gap / sp.sqrt(share)), evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        head, share_y, label = (
            x[:, :4].reshape(-1, 2, 2),
            0.02 + 0.98 * simplex(x[:, 4:6])[:, 0],
            one_hot(x[:, 6], 2),
        )
        true, mean = x[:, 7:9], x[:, 9:11]
        return {
            left: norm(apply(head, true) - label),
            seen: norm(apply(head, mean) - label),
            W_norm: spectral(head),
            radius: norm(true),
            share: share_y,
            gap: np.sqrt(share_y) * norm(true - mean),
        }

    return Step(
        "reach of the class means",
        statement,
        "triangle inequality, twice; one class is part of the weighted sum",
        "falsification",
        lambda: falsify(statement, instances, 11),
        display=r"\|W\mu_y-e_y\|\le\min\big(1+\|W\|_2B,\ \|W\hat\mu_y-e_y\|+\|W\|_2g/\sqrt{\hat "
        r"p_y}\big)=M_y,"
        r"\qquad M=\max_yM_y",
    )


@cache
def step_size() -> Step:
    """Stacked, the summands (z_i − μ_y)/√(n n_y) have a sum of squared norm Σ p̂‖μ̂ − μ‖²."""

    def check() -> Result:
        counts = (2, 3)
        size = sum(counts)
        points = [
            [sp.Matrix(sp.symbols(f"z{y}{i}_1:3")) for i in range(count)] for y, count in enumerate(counts)
        ]
        centre = [sp.Matrix(sp.symbols(f"mu{y}_1:3")) for y in range(2)]
        blocks = [
            sum((z - centre[y] for z in points[y]), sp.zeros(2, 1)) / sp.sqrt(size * count)
            for y, count in enumerate(counts)
        ]
        means = [sum(points[y], sp.zeros(2, 1)) / count for y, count in enumerate(counts)]
        weighted = sum(
            sp.Rational(count, size) * _square(means[y] - centre[y]) for y, count in enumerate(counts)
        )
        zero = sp.expand(sum(_square(block) for block in blocks) - weighted) == 0
        return Result(zero, "identity for classes of two and three items")

    gap, total = sp.symbols("sum_of_p_hat_gaps norm_of_sum", nonnegative=True)
    return Step(
        "class means as one sum",
        sp.Eq(gap, total**2, evaluate=False),
        "stack the classes: independent centred vectors (z_i - mu_y)/sqrt(n n_y) in R^(Kd), given the labels",
        "symbolic",
        check,
        note="Each is at most tau/sqrt(n n_min); their variances add to at most V/n, in one direction to at "
        "most tau^2/(4n).",
        display=r"\textstyle\sum_y\hat p_y\|\hat\mu_y-\mu_y\|^2="
        r"\Big\|\sum_i\frac{z_i-\mu_{y_i}}{\sqrt{n\,n_{y_i}}}\Big\|^2",
    )


@cache
def class_variance() -> Step:
    """Within a class: tr Cov(f|y) ≤ min(B², τ²/2), Var⟨u, f⟩ ≤ τ²/4, and ‖f − μ_y‖ ≤ τ."""
    variance, direction, far, ball, spread = sp.symbols(
        "tr_Cov largest_variance_of_a_direction distance_to_mean B tau", nonnegative=True
    )
    total = sp.Le(variance, Min(ball**2, spread**2 / 2), evaluate=False)
    one_direction = sp.Le(direction, spread**2 / 4, evaluate=False)
    step = sp.Le(far, spread, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p, z = simplex(x[:, :3]), x[:, 3:].reshape(-1, 3, 2)
        centred = z - np.einsum("np,npd->nd", p, z)[:, None]
        covariance = np.einsum("np,npd,npe->nde", p, centred, centred)
        trace = np.einsum("ndd->n", covariance)
        apart = (covariance[:, 0, 0] - covariance[:, 1, 1]) ** 2 + 4 * covariance[:, 0, 1] ** 2
        return {
            variance: trace,
            direction: (trace + np.sqrt(apart)) / 2,
            far: norm(centred).max(1),
            ball: norm(z).max(1),
            spread: norm(z[:, :, None] - z[:, None]).max((1, 2)),
        }

    def check() -> Result:
        tight = np.array([[1.0, 1, 0, 1, 0, -1, 0, 1, 0]])
        first, *rest = (falsify(one, instances, 9, extremal=tight) for one in (total, one_direction, step))
        return first & rest[0] & rest[1]

    return Step(
        "variance within a class",
        total,
        "half the mean square of differences, the second moment, and Popoviciu in one direction",
        "falsification",
        check,
        display=r"\mathrm{tr}\,\mathrm{Cov}(f\mid y)\le\min(B^2,\tau^2/2),\qquad"
        r"\mathrm{Var}(\langle u,f\rangle\mid y)\le\tau^2/4,\qquad\|f-\mu_y\|\le\tau",
    )
