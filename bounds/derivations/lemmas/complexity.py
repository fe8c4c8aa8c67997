"""Rademacher complexity: symmetrisation and vector contraction, over all signs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import signs
from bounds.derivations.quantities import left_side, right_side
from bounds.derivations.search import Array, falsify, simplex
from bounds.derivations.steps import Step

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
