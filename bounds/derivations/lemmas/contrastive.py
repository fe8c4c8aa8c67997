"""Contrastive losses: Jensen over views, collisions, U-statistics, fixed class counts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import combinations, permutations, product
from typing import Literal

import numpy as np
import sympy as sp

from bounds.derivations.functions import Min
from bounds.derivations.quantities import contrastive_risk, supervised_risk
from bounds.derivations.search import Array, falsify, simplex
from bounds.derivations.steps import Result, Step

Loss = Literal["hinge", "logistic"]

tau, gap = sp.symbols("tau collided", nonnegative=True)


def _loss(loss: Loss, margins: Array) -> Array:
    """The loss of margins (..., k): hinge of the smallest, or log2(1 + sum e^-v)."""
    if loss == "hinge":
        value: Array = np.maximum(0, 1 - margins.min(-1))
    else:
        value = np.logaddexp(0, np.logaddexp.reduce(-margins, axis=-1)) / np.log(2)
    return value


def world(x: Array, classes: int) -> tuple[Array, Array]:
    """Prior (N, K) and representations (N, K, 2, 2): two equally likely points of the plane per class."""
    prior = 0.02 + simplex(x[:, :classes])
    points = np.clip(x[:, classes : 5 * classes], -30, 30).reshape(len(x), classes, 2, 2)
    return prior / prior.sum(1, keepdims=True), points


@cache
def jensen_over_views(loss: Loss, count: int) -> Step:
    """L_un ≥ (1 − τ)L_sup + Col in worlds of two classes with two points each, by full enumeration."""
    classes = 2
    statement = sp.Le(supervised_risk * (1 - tau) + gap, contrastive_risk, evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        prior, f = world(x, classes)
        means = f.mean(2)
        total, supervised, collided, repeated = (np.zeros(len(x)) for _ in range(4))
        for anchor, point in product(range(classes), range(2)):
            u = f[:, anchor, point]
            for others in product(range(classes), repeat=count):
                weight = prior[:, anchor] * prior[:, list(others)].prod(1) / 2
                hits = sum(other == anchor for other in others)
                repeated += weight * (hits > 0)
                collided += weight * (np.log2(1 + hits) if loss == "logistic" else hits > 0)
                kept = [other for other in others if other != anchor]
                if not hits:
                    margins = np.stack([_dot(u, means[:, anchor] - means[:, other]) for other in kept], -1)
                    supervised += weight * _loss(loss, margins)
                for views in product(range(2), repeat=count + 1):
                    margins = np.stack(
                        [
                            _dot(u, f[:, anchor, views[0]] - f[:, other, view])
                            for other, view in zip(others, views[1:], strict=True)
                        ],
                        -1,
                    )
                    total += weight / 2 ** (count + 1) * _loss(loss, margins)
        # L_sup is the mean loss given no collision.
        return {
            supervised_risk: supervised / np.maximum(1 - repeated, 1e-300),
            tau: repeated,
            contrastive_risk: total,
            gap: collided,
        }

    flat = np.zeros((1, 5 * classes))
    return Step(
        f"Jensen over views, {loss} loss" + (", many negatives" if count > 1 else ""),
        statement,
        "Jensen over the views given the classes; a collided negative has mean margin zero",
        "falsification",
        lambda: falsify(statement, instances, 5 * classes, extremal=flat),
        source="Arora et al. (2019), Theorem 4.1",
        display=r"L_{un}\ge(1-\tau)\,L_{sup}^\mu+\mathrm{Col},\qquad\mathrm{Col}=\mathbb "
        r"E\,\ell(\text{collided margins at }0)",
    )


def _dot(u: Array, v: Array) -> Array:
    value: Array = (u * v).sum(-1)
    return value


@cache
def u_statistic() -> Step:
    """The mean over all tuples is the average, over orders of the items, of means of disjoint blocks."""

    def check() -> Result:
        for items, order in ((4, 2), (5, 2), (6, 3)):
            kernel = {s: sp.Symbol("h_" + "".join(map(str, s))) for s in combinations(range(items), order)}
            full = sp.Add(*kernel.values()) / len(kernel)
            count = items // order
            total: dict[tuple[int, ...], int] = dict.fromkeys(kernel, 0)
            for arranged in permutations(range(items)):
                for block in range(count):
                    total[tuple(sorted(arranged[block * order : (block + 1) * order]))] += 1
            size = sp.factorial(items) * count
            averaged = sp.Add(*(sp.Rational(n, size) * kernel[s] for s, n in total.items()))
            if sp.expand(full - averaged) != 0:
                return Result(False, f"fails for {items} items and order {order}")
        return Result(
            True, "identity for 4, 5 and 6 items; the exponential is convex, so one order bounds all"
        )

    whole, block = sp.symbols("U mean_of_blocks")
    return Step(
        "U-statistic as an average of block means",
        sp.Eq(whole, block, evaluate=False),
        "average over all orders of the items",
        "symbolic",
        check,
        source="Hoeffding (1963), section 5",
        note="So Hoeffding's inequality holds with M disjoint blocks in place of the number of items.",
        display=r"U=\frac1{m!}\sum_\pi\frac1M\sum_{b=1}^Mh(\pi(\text{block }b)),\qquad M=\lfloor "
        r"m/(k+1)\rfloor",
    )


@cache
def fixed_count_shift() -> Step:
    """Classes of two distinct items of a fixed pool are within 1/m + 2TV of two independent ones."""
    apart, size, distance = sp.symbols("TV_of_pairs m TV", positive=True)
    statement = sp.Le(apart, Min(1, 1 / size + 2 * distance), evaluate=False)

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        p = simplex(x[:, :3])
        counts = np.floor(np.clip(np.abs(x[:, 3:6]), 0, 9)).astype(float)
        counts[:, 0] += 2
        total = counts.sum(1, keepdims=True)
        q = counts / total
        without = (counts[:, :, None] * counts[:, None] - np.eye(3) * counts[:, None]) / (
            total * (total - 1)
        )[:, :, None]
        return {
            apart: 0.5 * np.abs(without - p[:, :, None] * p[:, None]).sum((1, 2)),
            size: total[:, 0],
            distance: 0.5 * np.abs(p - q).sum(1),
        }

    return Step(
        "fixed class counts",
        statement,
        "drawing without replacement, then twice the class shift",
        "falsification",
        lambda: falsify(statement, instances, 6),
        display=r"\mathrm{TV}(\text{two distinct items},\ p\otimes p)\le\min(1,\ "
        r"\tfrac1m+2\,\mathrm{TV}(\hat p,p))",
    )
