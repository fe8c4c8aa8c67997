"""What two views of one item say about a predictor: agreement, variance over views, two heads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.search import Array, falsify, simplex
from bounds.derivations.steps import Step

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
