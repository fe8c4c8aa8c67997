"""Rademacher complexity: symmetrisation, vector contraction and the class of heads, over all signs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
import sympy as sp

from bounds.derivations.algebra import equal
from bounds.derivations.lemmas.exact import signs
from bounds.derivations.quantities import head_complexity, left_side, linear_complexity, right_side
from bounds.derivations.search import Array, falsify, simplex
from bounds.derivations.steps import Result, Step
from bounds.derivations.symbols import B, K, beta, functions, weight_j

a, b = left_side, right_side
size = sp.Symbol("m", positive=True)


@cache
def symmetrisation() -> Step:
    """E sup(E g − mean g) ≤ 2R̃/√m: all samples of two items from four points, classes of four functions."""
    statement = sp.Le(a, 2 * b / sp.sqrt(size), evaluate=False)
    samples = np.array(list(product(range(4), repeat=2)))

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p, g = simplex(x[:, :4]), x[:, 4:].reshape(-1, 4, 4)  # instance, function, point
        weight = p[:, samples].prod(-1)
        drawn = g[:, :, samples]  # instance, function, sample, item
        mean = np.einsum("njp,np->nj", g, p)
        gap = (mean[:, :, None] - drawn.mean(-1)).max(1)
        flipped = np.einsum("njsi,ri->njsr", drawn, signs(2)).max(1).mean(-1) / np.sqrt(2)
        return {a: (weight * gap).sum(1), b: (weight * flipped).sum(1), size: np.full(len(x), 2.0)}

    tight = np.concatenate([np.ones(4), (1 - np.eye(4)).ravel()])[None]
    return Step(
        "symmetrisation",
        statement,
        "ghost sample and random signs",
        "falsification",
        lambda: falsify(statement, instances, 20, extremal=tight),
        source="Bartlett and Mendelson (2002), Theorem 8",
        display=r"\mathbb E\sup_{g\in\mathcal G}\Big(\mathbb Eg-\tfrac1m\textstyle\sum_ig(x_i)\Big)\le"
        r"\frac{2\tilde R_m(\mathcal G)}{\sqrt m}",
    )


def symmetrised(mean: sp.Expr, complexity: sp.Symbol, count: sp.Expr) -> Result:
    """The complexity enters a mean with the factor of the symmetrisation lemma."""
    factor = symmetrisation().statement.rhs.subs({b: 1, size: count})
    return equal(sp.diff(mean, complexity), factor)


@cache
def massart() -> Step:
    """E max_j Σξ_i a_ij ≤ √(2 ln J)·max_j‖a_j‖, over three vectors of three entries, all signs."""
    count = sp.Symbol("J", positive=True)
    statement = sp.Le(a, sp.sqrt(2 * sp.log(count)) * b, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        vectors = x.reshape(-1, 3, 3)
        return {
            a: np.einsum("nji,ri->njr", vectors, signs(3)).max(1).mean(1),
            b: np.sqrt((vectors**2).sum(2)).max(1),
            count: np.full(len(x), 3.0),
        }

    return Step(
        "finite class of encoders",
        statement,
        "Massart's lemma",
        "falsification",
        lambda: falsify(statement, instances, 9),
        source="Massart (2000), Lemma 5.2",
        note="For J encoders and distances in [0, tau], centred at tau/2: at most (tau/2) sqrt(2 ln J); "
        "zero for one.",
        display=r"\tilde R_m(\{f_1,\dots,f_J\})\le\tfrac\tau2\sqrt{2\ln J}",
    )


@cache
def vector_contraction() -> Step:
    """E sup Σξ_i‖y_i − v_i‖ ≤ √2 E sup Σξ_ik v_ik, over classes of two functions on two items."""
    statement = sp.Le(a, sp.sqrt(2) * b, evaluate=False)
    single, double = signs(2), signs(4).reshape(-1, 2, 2)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        values, targets = (
            x[:, :8].reshape(-1, 2, 2, 2),
            x[:, 8:].reshape(-1, 1, 2, 2),
        )  # function, item, output
        losses = np.sqrt(((values - targets) ** 2).sum(-1))
        left = np.einsum("nji,ri->njr", losses, single).max(1).mean(1)
        right = np.einsum("njik,rik->njr", values, double).max(1).mean(1)
        return {a: left, b: right}

    # One item moves by (1, 1) along the ray from its target: ratio sqrt 2.
    tight = np.array([[1.0, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0]])
    return Step(
        "vector contraction",
        statement,
        "vector contraction: the norm is 1-Lipschitz in the K outputs",
        "falsification",
        lambda: falsify(statement, instances, 12, extremal=tight),
        source="Maurer (2016), Corollary 1",
        display=r"\mathbb E\sup_W\textstyle\sum_i\xi_i\|y_i-Wf(x_i)\|\le\sqrt2\;\mathbb "
        r"E\sup_W\sum_{i,k}\xi_{ik}(Wf(x_i))_k",
    )


@cache
def _ball() -> tuple[sp.Basic, Result]:
    """E‖Σξ_i z_iᵀ‖_F ≤ √K(Σ‖z_i‖²)^{1/2}, for two items, two outputs, in the plane."""
    outputs = sp.Symbol("K", positive=True)
    statement = sp.Le(a, sp.sqrt(outputs) * b, evaluate=False)
    draws = signs(4).reshape(-1, 2, 2)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        z = x.reshape(-1, 2, 2)
        sums = np.einsum("rik,nid->nrkd", draws, z)
        return {
            a: np.sqrt((sums**2).sum((-1, -2))).mean(1),
            b: np.sqrt((z**2).sum((-1, -2))),
            outputs: np.full(len(x), 2.0),
        }

    return statement, falsify(statement, instances, 4, extremal=np.array([[1.0, 0, 0, 1.0]]))


def head_ball() -> tuple[Step, Step]:
    """R̃_m(W_β∘f) ≤ √2·R̃_m(⟨W_β, f⟩) ≤ √2·β√K·B for one fixed f."""
    return (
        Step(
            "contraction of the head class",
            sp.Le(head_complexity, sp.sqrt(2) * linear_complexity, evaluate=False),
            "vector contraction",
            "falsification",
            lambda: _coefficient(sp.sqrt(2)) & vector_contraction().result,
        ),
        Step(
            "ball of heads",
            sp.Le(linear_complexity, beta * sp.sqrt(K) * B, evaluate=False),
            "sup over the Frobenius ball is beta times a norm; Jensen; B bounds the representation",
            "falsification",
            lambda: _ball()[1],
            display=r"\tilde R_m(\langle\mathcal W_\beta,f\rangle)=\tfrac{\beta}{\sqrt m}\,\mathbb E\Big\|"
            r"\textstyle\sum_i\xi_iz_i^\top\Big\|_F\le\beta\sqrt K\,(\mathbb E\|z\|^2)^{1/2}\le\beta\sqrt "
            r"K\,B",
        ),
    )


def _coefficient(factor: sp.Expr) -> Result:
    relation = vector_contraction().statement
    return equal(relation.rhs, factor * b)


@cache
def radius_grid() -> Step:
    """Σ_j w_j ≤ 1 for w_j = 1/((π²/3 − 1)(|j| + 1)²), so that the grid of head radii costs δ₄ in all."""

    def check() -> Result:
        k = sp.Symbol("k", integer=True, positive=True)
        both_sides = 2 * sp.summation(1 / k**2, (k, 1, sp.oo)) - 1
        return equal(both_sides / (sp.pi**2 / 3 - 1), sp.Integer(1))

    return Step(
        "grid of head radii",
        sp.Le(sp.Symbol("J") * (weight_j / functions), 1, evaluate=False),
        "union bound over the radii beta_j = 2^j and over J encoders",
        "symbolic",
        check,
        note="The head is fitted on the pairs, so its radius is chosen after looking; the grid pays for "
        "that.",
        display=r"\beta_j=2^j,\quad w_j=\frac1{(\pi^2/3-1)(|j|+1)^2},\qquad\sum_{j\in\mathbb Z}w_j="
        r"\frac{2\zeta(2)-1}{\pi^2/3-1}=1",
    )
