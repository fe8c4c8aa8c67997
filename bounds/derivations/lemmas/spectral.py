"""The squared loss of the head of scaled class means, by full enumeration of small worlds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.contrastive import p_min
from bounds.derivations.haochen_2021 import head_scale
from bounds.derivations.lemmas.contrastive import world
from bounds.derivations.quantities import cross_similarity, minus_alignment, square_loss
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Step


@cache
def scaled_means() -> Step:
    """E‖W f − y‖² ≤ 1 − 2αP + (α²/p_min)N for W = α[μ_1 .. μ_K]ᵀ."""
    statement = sp.Le(
        square_loss,
        1 + 2 * head_scale * minus_alignment + head_scale**2 / p_min * cross_similarity,
        evaluate=False,
    )

    def instances(x: Array) -> Mapping[sp.Symbol, Array]:
        prior, f = world(x, 2)
        f, scale = np.clip(f, -5, 5), np.abs(np.clip(x[:, 10], -9, 9))
        means = f.mean(2)
        scores = scale[:, None, None, None] * np.einsum("ncpd,ned->ncpe", f, means)
        squares = ((scores - np.eye(2)[None, :, None, :]) ** 2).sum(-1).mean(2)
        products = np.einsum("ncad,nebd->ncaeb", f, f) ** 2
        return {
            square_loss: (prior * squares).sum(1),
            head_scale: scale,
            minus_alignment: -(prior * (means**2).sum(-1)).sum(1),
            p_min: prior.min(1),
            cross_similarity: np.einsum("nc,ne,nce->n", prior, prior, products.mean((2, 4))),
        }

    flat = np.array([[1.0, 1] + [0.0] * 9])
    return Step(
        "head of scaled class means",
        statement,
        "the square expanded; Jensen over the negative; 1 is at most p_c/p_min",
        "falsification",
        lambda: falsify(statement, instances, 11, extremal=flat),
        source="after HaoChen et al. (2021)",
    )
