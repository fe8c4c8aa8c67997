"""What two views of one item say about a predictor: agreement, variance over views, two heads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import product

import numpy as np
import sympy as sp

from bounds.derivations.functions import Max
from bounds.derivations.search import Array, falsify, simplex, unit
from bounds.derivations.steps import Result, Step

error_y, disagreement_y, limit_y, weight = sp.symbols("e_y D_y u_y lambda", nonnegative=True)


@cache
def class_agreement() -> Step:
    """D_y = 1 − Σ_k q_y(k)² ≥ 2e_y(1 − e_y), for two independent inputs of class y."""
    statement = sp.Le(2 * error_y * (1 - error_y), disagreement_y, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        q = simplex(x)
        return {error_y: 1 - q[:, 0], disagreement_y: 1 - (q**2).sum(1)}

    return Step(
        "disagreement within a class",
        statement,
        "the wrong votes agree at most with each other",
        "falsification",
        lambda: falsify(statement, instances, 4, extremal=np.array([[0.7, 0.3, 0, 0]])),
        display=r"D_y=1-\textstyle\sum_kq_y(k)^2\ge1-(1-e_y)^2-e_y^2=2e_y(1-e_y)",
    )


@cache
def lagrange() -> Step:
    """E − 2λe(1 − e) ≤ max(0, u − 2λu(1 − u)) for 0 ≤ e ≤ u: convex in e, so largest at an end."""
    statement = sp.Le(
        error_y,
        weight * 2 * error_y * (1 - error_y) + Max(0, limit_y - 2 * weight * limit_y * (1 - limit_y)),
        evaluate=False,
    )

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        u = unit(x[:, 0])
        return {limit_y: u, error_y: u * unit(x[:, 1]), weight: np.abs(x[:, 2])}

    def check() -> Result:
        slope = sp.diff(error_y - 2 * weight * error_y * (1 - error_y), error_y, 2)
        convex = Result(bool(slope.is_nonnegative), "the second derivative in e is 4 lambda")
        return convex & falsify(statement, instances, 3)

    return Step(
        "ends of the interval",
        statement,
        "a convex function on [0, u] is largest at an end",
        "falsification",
        check,
        note="For every lambda at once, so lambda is free after looking.",
        display=r"e-2\lambda e(1-e)\le\max\big(0,\ u-2\lambda u(1-u)\big)\qquad(0\le e\le u,\ \lambda\ge0)",
    )


@cache
def spread_shift() -> Step:
    """Σp_y v_y ≤ Σp̂_y v_y + (max v − min v)·TV."""
    true, seen, spread, distance = sp.symbols("mean_p mean_p_hat range_v TV", nonnegative=True)
    statement = sp.Le(true, seen + spread * distance, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p, q, v = simplex(x[:, :3]), simplex(x[:, 3:6]), unit(x[:, 6:9])
        return {
            true: (p * v).sum(1),
            seen: (q * v).sum(1),
            spread: v.max(1) - v.min(1),
            distance: 0.5 * np.abs(p - q).sum(1),
        }

    return Step(
        "class shift by the range",
        statement,
        "a constant added to v moves both means alike",
        "falsification",
        lambda: falsify(statement, instances, 9),
        display=r"\textstyle\sum_yp_yv_y\le\sum_y\hat p_yv_y+(\max v-\min v)\,\mathrm{TV}",
    )


@cache
def variance_of_views() -> Step:
    """E‖g(x) − e‖² − E‖ḡ(u) − e‖² = ½E‖g(x⁺) − g(x⁺⁺)‖² given the image, and E⟨r⁺, r⁺⁺⟩ = ‖ḡ(u) − e‖²."""

    def check() -> Result:
        q = [*sp.symbols("q1 q2")]
        q.append(1 - sum(q))
        views = [sp.Matrix(sp.symbols(f"g{k}_1:3")) for k in range(3)]
        label = sp.Matrix(sp.symbols("e1:3"))
        mean = sum((p * g for p, g in zip(q, views, strict=True)), sp.zeros(2, 1))
        pairs = list(product(zip(q, views, strict=True), repeat=2))
        risk = sum(p * _square(g - label) for p, g in zip(q, views, strict=True))
        half = sum(p * r * _square(g - h) for (p, g), (r, h) in pairs) / 2
        cross = sum(p * r * (g - label).dot(h - label) for (p, g), (r, h) in pairs)
        averaged = _square(mean - label)
        zero = sp.expand(risk - averaged - half) == 0 and sp.expand(cross - averaged) == 0
        return Result(zero, "identities for every distribution on three views, whatever the label")

    risk, averaged, gain = sp.symbols("risk averaged_risk gain", nonnegative=True)
    return Step(
        "variance over views",
        sp.Eq(risk, averaged + gain, evaluate=False),
        "variance around the mean over views",
        "symbolic",
        check,
        display=r"\mathbb E\|g(x)-e_y\|^2=\mathbb E\|\bar g(u)-e_y\|^2+\tfrac12\mathbb "
        r"E\|g(x^+)-g(x^{++})\|^2,"
        r"\qquad\mathbb E\langle r^+,r^{++}\rangle=\mathbb E\|\bar g(u)-e_y\|^2",
    )


def _square(vector: sp.Matrix) -> sp.Expr:
    return vector.dot(vector)


@cache
def half_square_range() -> Step:
    """½‖g − g'‖² ≤ 1 and 0 ≤ ⟨g − e, g' − e⟩ ≤ 2 on the simplex."""
    value, ends = sp.symbols("half_square_or_half_product one", nonnegative=True)
    statement = sp.Le(value, ends, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        g, h, e = simplex(x[:, :3]), simplex(x[:, 3:6]), np.eye(3)[0]
        half, inner = 0.5 * ((g - h) ** 2).sum(1), ((g - e) * (h - e)).sum(1)
        below = np.where(inner < -1e-12, np.inf, 0.0)
        return {value: np.maximum(np.maximum(half, inner / 2), below), ends: np.ones(len(x))}

    return Step(
        "ranges on the simplex",
        statement,
        "diameter of the simplex; angles at a vertex are at most a right angle",
        "falsification",
        lambda: falsify(
            statement, instances, 6, extremal=np.array([[1.0, 0, 0, 0, 1, 0], [0, 1, 0, 0, 1, 0]])
        ),
        display=r"\tfrac12\|g-g'\|^2\in[0,1],\qquad\langle g-e_y,g'-e_y\rangle\in[0,2]",
    )


@cache
def label_kept() -> Step:
    """Where two views of one label are told apart, one is wrong: 1[h ≠ h'] ≤ 1[h ≠ y] + 1[h' ≠ y]."""
    apart, first, second = sp.symbols("differ wrong_first wrong_second", nonnegative=True)
    return Step(
        "one of two is wrong",
        sp.Le(apart, first + second, evaluate=False),
        "both right means alike",
        "symbolic",
        _all_votes,
        display=r"1[h(x^+)\ne h(x^{++})]\le1[h(x^+)\ne y]+1[h(x^{++})\ne y]",
    )


@cache
def head_against_head() -> Step:
    """1[W errs] ≤ 1[W* errs] + 1[they differ]."""
    wrong, reference, differ = sp.symbols("wrong wrong_reference differ", nonnegative=True)
    return Step(
        "error through a reference head",
        sp.Le(wrong, reference + differ, evaluate=False),
        "a head that errs where the reference does not differs from it",
        "symbolic",
        _all_votes,
        display=r"1[h\ne y]\le1[h^*\ne y]+1[h\ne h^*]",
    )


def _all_votes() -> Result:
    """For all votes h, h' and labels y each indicator is at most the sum of the other two."""
    holds = all((h != y) <= (g != y) + (h != g) for h, g, y in product(range(4), repeat=3))
    return Result(holds, "all 64 votes and labels of four classes")
