"""Classes of heads around a centre, in their own metric: Gaussian comparison, and the ramp of the margin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import signs
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Step

signed, compared, product, left, right = sp.symbols(
    "E_sup_signs E_sup_gauss inner_product norm_of_DA norm_of_GA_inverse", nonnegative=True
)


@cache
def gaussian_comparison() -> Step:
    """E sup Σξ_i h_i(v_i) ≤ √(π/2)·E sup Σ⟨g_i, v_i⟩ for 1-Lipschitz h_i, over classes of two.

    For two functions the Gaussian side is ½√(2/π)‖v − v'‖, exactly.
    """
    statement = sp.Le(signed, sp.sqrt(sp.pi / 2) * compared, evaluate=False)
    draws = signs(2)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        values, targets = x[:, :8].reshape(-1, 2, 2, 2), x[:, 8:].reshape(-1, 1, 2, 2)
        losses = np.sqrt(((values - targets) ** 2).sum(-1))
        apart = np.sqrt(((values[:, 0] - values[:, 1]) ** 2).sum((-1, -2)))
        return {
            signed: np.einsum("nji,ri->njr", losses, draws).max(1).mean(1),
            compared: np.sqrt(2 / np.pi) * apart / 2,
        }

    tight = np.array([[1.0, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0]])
    return Step(
        "signs to Gaussians",
        statement,
        "E|g| = sqrt(2/pi), then Sudakov-Fernique: losses move less than outputs",
        "falsification",
        lambda: falsify(statement, instances, 12, extremal=tight),
        source="Ledoux and Talagrand (1991), eqs. 4.8 and 3.13",
        display=r"\mathbb E\sup_W\textstyle\sum_i\xi_ih_i(Wz_i)\le\sqrt{\pi/2}\;\mathbb "
        r"E\sup_W\sum_i\langle g_i,Wz_i\rangle",
    )


@cache
def metric_ball() -> Step:
    """⟨D, G⟩ ≤ ‖DA‖_F‖GA⁻¹‖_F: the supremum over a ball in the metric A; the centre has mean zero."""
    statement = sp.Le(product, left * right, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        shift, noise = x[:, :4].reshape(-1, 2, 2), x[:, 4:8].reshape(-1, 2, 2)
        root = np.exp(np.clip(x[:, 8:10], -3, 3))[:, None, :]
        return {
            product: np.abs((shift * noise).sum((1, 2))),
            left: np.sqrt(((shift * root) ** 2).sum((1, 2))),
            right: np.sqrt(((noise / root) ** 2).sum((1, 2))),
        }

    tight = np.array([[1.0, 0, 0, 1, 1, 0, 0, 1, 0, 0]])
    return Step(
        "ball in the metric A",
        statement,
        "Cauchy-Schwarz; a diagonal A is no loss, as rotations leave norms alone",
        "falsification",
        lambda: falsify(statement, instances, 10, extremal=tight),
        display=r"\sup_{\|(W-W_0)A\|_F\le\beta}\Big\langle W-W_0,\textstyle\sum_ig_iz_i^\top\Big\rangle="
        r"\beta\,\Big\|\sum_ig_i(A^{-1}z_i)^\top\Big\|_F,\qquad"
        r"\mathbb E\|\cdot\|_F\le\big(K\textstyle\sum_i\|A^{-1}z_i\|^2\big)^{1/2}",
    )


@cache
def ramp() -> Step:
    """1[margin ≤ 0] ≤ ramp_γ(margin), and the ramp moves by at most (√2/γ)‖u − v‖ with the scores."""
    moved, apart, width = sp.symbols("ramp_difference score_distance gamma", nonnegative=True)
    statement = sp.Le(moved, sp.sqrt(2) / width * apart, evaluate=False)

    def margin(scores: Array) -> Array:
        value: Array = scores[:, 0] - scores[:, 1:].max(1)
        return value

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        u, v, size = x[:, :3], x[:, 3:6], 0.05 + np.abs(x[:, 6])
        difference = np.clip(1 - margin(u) / size, 0, 1) - np.clip(1 - margin(v) / size, 0, 1)
        wrong = (margin(u) <= 0) > np.clip(1 - margin(u) / size, 0, 1)
        return {moved: np.abs(difference) + wrong, apart: np.sqrt(((u - v) ** 2).sum(1)), width: size}

    tight = np.array([[0.6, -0.6, -5, 0.1, -0.1, -5, 2.0]])
    return Step(
        "ramp of the margin",
        statement,
        "the margin y against its best rival is sqrt 2-Lipschitz in the scores; the ramp 1/gamma-Lipschitz "
        "in it",
        "falsification",
        lambda: falsify(statement, instances, 7, extremal=tight),
        note="An error has margin at most 0, where the ramp is 1.",
        display=r"1[\mathrm{margin}\le0]\le\rho_\gamma(\mathrm{margin}),\qquad"
        r"|\rho_\gamma(u)-\rho_\gamma(v)|\le\tfrac{\sqrt2}{\gamma}\|u-v\|",
    )
