"""The deterministic half of Theorem 2: decomposition, triangle inequality, average over items."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.geometry import apply, norm, project, spectral
from bounds.derivations.quantities import (
    loss,
    mean_residual_S,
    phi_fresh,
    phi_mean,
    phi_sum,
    sample_loss,
    shift,
)
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Result, Step
from bounds.derivations.symbols import B, W_norm, c, phi_S, projected_S

item_loss, item_residual, moved, phi_x, phi_bar = sp.symbols(
    "item_loss item_residual moved phi_x phi_bar", nonnegative=True
)

_ITEM = r"\|W_Sf(\bar x)-y\|"
_RESIDUAL = r"\|W_Sf(x)-y\|"


def decomposition(reference: bool) -> Step:
    """W_S f(x̄) − y = (W_S f(x) − y) + W̃(f(x̄) − f(x)) + φ(x) − φ(x̄), or with W* = 0."""

    def check() -> Result:
        difference = (head * fresh - y - sp.MatAdd(*pieces)).as_explicit()
        return Result(difference.applyfunc(sp.expand) == sp.zeros(2, 1), "identity of symbolic 2 x 3 heads")

    tail = r"+\tilde W(f(\bar x)-f(x))+\varphi(x)-\varphi(\bar x)" if reference else r"+W_S(f(\bar x)-f(x))"
    meaning = r",\qquad \tilde W=W_S-W^*,\ \varphi=y-W^*f" if reference else ""
    head, star = sp.MatrixSymbol("W", 2, 3), sp.MatrixSymbol("V", 2, 3) if reference else sp.ZeroMatrix(2, 3)
    x, fresh, y = (sp.MatrixSymbol(name, size, 1) for name, size in (("x", 3), ("x_bar", 3), ("y", 2)))
    pieces = ((head * x - y), (head - star) * (fresh - x), (y - star * x) - (y - star * fresh))
    return Step(
        "decomposition",
        sp.Eq(head * fresh - y, sp.MatAdd(*pieces, evaluate=False), evaluate=False),
        "add and subtract",
        "symbolic",
        check,
        note="W* does not depend on S."
        if reference
        else "The reference head is zero, so phi(x) - phi(x') = 0.",
        display=rf"W_Sf(\bar x)-y=(W_Sf(x)-y){tail}{meaning}",
    )


def triangle(reference: bool) -> Step:
    """The norm of the decomposition, item by item."""
    right = item_residual + moved + (phi_x + phi_bar if reference else 0)
    statement = sp.Le(item_loss, right, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        head, star = x[:, :4].reshape(-1, 2, 2), x[:, 4:8].reshape(-1, 2, 2)
        star = star if reference else 0 * star
        point, fresh, y = x[:, 8:10], x[:, 10:12], x[:, 12:14]
        return {
            item_loss: norm(apply(head, fresh) - y),
            item_residual: norm(apply(head, point) - y),
            moved: norm(apply(head - star, fresh - point)),
            phi_x: norm(y - apply(star, point)),
            phi_bar: norm(y - apply(star, fresh)),
        }

    phis = r"+\|\varphi(x)\|+\|\varphi(\bar x)\|" if reference else ""
    tilde = r"\tilde W" if reference else "W_S"
    return Step(
        "triangle inequality",
        statement,
        "triangle inequality",
        "falsification",
        lambda: falsify(statement, instances, 14),
        display=rf"{_ITEM}\le{_RESIDUAL}+\|{tilde}(f(\bar x)-f(x))\|{phis}",
    )


def _world(x: Array, projected: bool, reference: bool) -> Mapping[sp.Symbol, Array]:
    """Two items of two classes; each class is uniform on two points of the plane."""
    head, star = x[:, :4].reshape(-1, 2, 2), x[:, 4:8].reshape(-1, 2, 2)
    star = star if reference else 0 * star
    points = x[:, 8:16].reshape(-1, 2, 2, 2)  # instance, class, which of its two points, coordinate
    labels = np.eye(2)

    def loss_of(weights: Array, z: Array, y: Array) -> Array:
        scores = apply(weights, z)
        return norm((project(scores) if projected and weights is head else scores) - y)

    fresh, residual, far, at_item, at_fresh = (np.zeros(len(x)) for _ in range(5))
    for y in range(2):
        item = points[:, y, y]
        residual += loss_of(head, item, labels[y]) / 2
        at_item += loss_of(star, item, labels[y]) / 2
        for k in range(2):
            other = points[:, y, k]
            fresh += loss_of(head, other, labels[y]) / 4
            far += norm(other - item) / 4
            at_fresh += loss_of(star, other, labels[y]) / 4
    return {
        sample_loss: fresh,
        (projected_S if projected else mean_residual_S): residual,
        shift: far,
        (c if reference else W_norm): spectral(head - star),
        phi_sum: at_item + at_fresh,
        phi_S: at_item,
        phi_fresh: at_fresh,
    }


@cache
def average(*, reference: bool, projected: bool = False) -> Step:
    """The three steps above averaged over the items and over fresh inputs of their classes."""
    residual = projected_S if projected else mean_residual_S
    phis = (phi_S + phi_fresh if projected else phi_sum) if reference else 0
    statement = sp.Le(sample_loss, residual + (c if reference else W_norm) * shift + phis, evaluate=False)
    return Step(
        "average over items",
        statement,
        "the item-wise inequality, averaged over i and over fresh inputs of the class of item i",
        "falsification",
        lambda: falsify(statement, lambda x: _world(x, projected, reference), 16),
        note="Quantities with index n are averages over the n labeled items."
        + (" The projection is 1-Lipschitz and fixes y." if projected else ""),
    )


@cache
def one_line_reference() -> Step:
    """E‖W_S f − y‖ ≤ E‖φ‖ + c·B."""
    statement = sp.Le(loss, phi_mean + c * B, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        head, star = x[:, :4].reshape(-1, 2, 2), x[:, 4:8].reshape(-1, 2, 2)
        points, targets = x[:, 8:12].reshape(-1, 2, 2), np.eye(2)
        pairs = [(points[:, k], targets[k]) for k in range(2)]
        return {
            loss: np.mean([norm(apply(head, z) - y) for z, y in pairs], axis=0),
            phi_mean: np.mean([norm(apply(star, z) - y) for z, y in pairs], axis=0),
            c: spectral(head - star),
            B: np.maximum(norm(points[:, 0]), norm(points[:, 1])),
        }

    return Step(
        "triangle inequality",
        statement,
        "triangle inequality and spectral norm",
        "falsification",
        lambda: falsify(statement, instances, 12),
        display=r"\mathbb E\|W_Sf-y\|\le\mathbb E\|W^*f-y\|+\|W_S-W^*\|_2B",
    )
