"""InfoNCE against the softmax of the mean classifier: small worlds by full enumeration, gaps and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from itertools import product

import numpy as np
import sympy as sp

from bounds.derivations import bao_2022
from bounds.derivations.contrastive import (
    coverage,
    coverage_of_others,
    log_collisions,
    negatives,
    no_collision,
    p_min,
    span,
    temperature,
)
from bounds.derivations.infonce import below_chance
from bounds.derivations.infonce import surrogate_gap as gap_of
from bounds.derivations.lemmas.contrastive import world
from bounds.derivations.quantities import contrastive_risk, supervised_risk
from bounds.derivations.search import Array, falsify
from bounds.derivations.steps import Result, Step
from bounds.derivations.symbols import K


def _enumerate(x: Array, classes: int, count: int, uniform: bool) -> Mapping[sp.Symbol, Array]:
    """InfoNCE and softmax losses at temperature one, two equally likely points of the plane per class."""
    prior, f = world(np.clip(x, -3, 3), classes)
    prior = np.full_like(prior, 1 / classes) if uniform else prior
    means = f.mean(2)
    risk, supervised, repeated, collided, covered, others_seen = (np.zeros(len(x)) for _ in range(6))
    # Points are within 3, so that exponentials stay far from overflow; points first, for contiguous slices.
    scores = np.ascontiguousarray(np.einsum("ncad,nebd->caebn", f, f))
    weights = np.exp(scores)
    for anchor, others in product(range(classes), product(range(classes), repeat=count)):
        chance = prior[:, anchor] * prior[:, list(others)].prod(1)
        hits = sum(other == anchor for other in others)
        repeated += chance * (hits > 0)
        collided += chance * np.log1p(hits)
        covered += chance * (len({anchor, *others}) == classes)
        others_seen += chance * (set(others) == set(range(classes)) - {anchor})
        for point, positive, *views in product(range(2), repeat=count + 2):
            row = weights[anchor, point]
            total = row[anchor, positive] + sum(row[c, v] for c, v in zip(others, views, strict=True))
            risk += chance / 2 ** (count + 2) * (np.log(total) - scores[anchor, point, anchor, positive])
    for anchor, point in product(range(classes), range(2)):
        logits = np.einsum("nd,ncd->nc", f[:, anchor, point], means)
        supervised += prior[:, anchor] / 2 * (np.logaddexp.reduce(logits, axis=1) - logits[:, anchor])
    flat = scores.reshape(-1, len(x))
    ones = np.ones(len(x))
    return {
        supervised_risk: supervised,
        contrastive_risk: risk,
        p_min: prior.min(1),
        K: classes * ones,
        negatives: count * ones,
        span: np.maximum(flat.max(0) - flat.min(0), 1e-9),
        temperature: ones,
        no_collision: 1 - repeated,
        log_collisions: collided,
        coverage: covered,
        coverage_of_others: others_seen / np.maximum(1 - repeated, 1e-300),
    }


def in_worlds(
    name: str,
    statement: sp.Basic,
    sizes: tuple[tuple[int, int], ...],
    rule: str,
    source: str,
    uniform: bool = True,
) -> Step:
    """An inequality between InfoNCE and the softmax loss, in worlds of (classes, negatives)."""

    def check() -> Result:
        found = [
            falsify(
                statement, partial(_enumerate, classes=c, count=k, uniform=uniform), 5 * c, extremal=_flat(c)
            )
            for c, k in sizes
        ]
        worlds = ", ".join(f"{c} classes and {k} negatives" for c, k in sizes)
        return Result(all(one.holds for one in found), f"{worlds}: " + "; ".join(one.detail for one in found))

    return Step(name, statement, rule, "falsification", check, source=source)


def _flat(classes: int) -> Array:
    return np.array([[1.0] * classes + [0.0] * 4 * classes])


@cache
def softmax_of_means(exact: bool) -> Step:
    """L_softmax(μ) ≤ L_nce − ln(p_min(k + 1)) + gap − max(0, ln(k + 1) − L_nce)/k."""
    return in_worlds(
        "softmax of the mean classifier",
        sp.Le(
            supervised_risk,
            contrastive_risk
            - sp.log(p_min * (negatives + 1))
            + gap_of(exact=exact)
            - below_chance(contrastive_risk, negatives),
            evaluate=False,
        ),
        ((2, 1), (2, 2)),
        "Jensen on k + 1 terms, of which k move; E f.mu_y is at least E f.mu; Hoeffding's lemma over the classes",
        "after Bao, Nagano and Nozawa (2022)",
        uniform=False,
    )


@cache
def without_positive() -> Step:
    """L_softmax(μ) ≤ L_nce + ln(K/k) + 2 ln cosh(r/(2t)), uniform prior."""
    return in_worlds(
        "softmax of the mean classifier",
        sp.Le(
            supervised_risk,
            contrastive_risk + sp.log(K / negatives) + bao_2022.reverse_jensen(),
            evaluate=False,
        ),
        ((2, 1), (2, 2)),
        "the positive left out of the sum; Jensen over k negatives; reverse Jensen over the classes",
        "Bao, Nagano and Nozawa (2022), Theorem 2",
    )


@cache
def divided_by_coverage() -> Step:
    """(1 − τ_k)·v′·L_softmax + Col ≤ L_nce, uniform prior."""
    return in_worlds(
        "coverage divided out",
        sp.Le(
            supervised_risk * no_collision * coverage_of_others + log_collisions,
            contrastive_risk,
            evaluate=False,
        ),
        ((2, 1), (3, 2)),
        "Jensen over views; without collision the negatives cover the other classes with probability at v'",
        "after Arora et al. (2019), section 6",
    )


@cache
def halved_coverage() -> Step:
    """½(v·L_softmax + Col) ≤ L_nce, uniform prior."""
    return in_worlds(
        "coverage and collisions in halves",
        sp.Le((supervised_risk * coverage + log_collisions) / 2, contrastive_risk, evaluate=False),
        ((2, 1), (3, 2)),
        "ln(1 + a + b) is at least the mean of ln(1 + a) and ln(1 + b); Jensen over views",
        "Nozawa and Sato (2021), Theorem 8",
    )
