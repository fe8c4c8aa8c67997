"""Counts of errors and means of values seen in order: Clopper-Pearson, unequal trials, betting."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np
import sympy as sp
import torch

from bounds.derivations import inequalities
from bounds.derivations.lemmas.exact import Array, binomial, largest_ratio, poisson_binomial
from bounds.derivations.quantities import probability
from bounds.derivations.steps import Step
from bounds.summaries import limits
from bounds.summaries.constant_stakes import constant_stakes_upper

_MEANS = (0.001, 0.02, 0.1, 0.3, 0.5, 0.8)


@cache
def clopper_pearson_theorem() -> Step:
    """Exact coverage of the one-sided Clopper-Pearson limit."""
    delta = sp.Symbol("delta", positive=True)

    def cases() -> Iterator[tuple[Array, Array]]:
        for size in (1, 3, 10, 50, 300):
            for level in (0.3, 0.05, 1e-3):
                upper = np.array([limits.clopper_pearson_upper(k, size, level) for k in range(size + 1)])
                # Coverage is worst just above a limit, where one more count misses.
                points = [p for p in {*_MEANS, *(min(u * (1 + 1e-9), 1.0) for u in upper[:-1])} if p < 1]
                missed = np.array([float(binomial(size, p)[upper < p].sum()) for p in points])
                yield missed, np.full(len(missed), level)

    return Step(
        "Clopper-Pearson limit",
        sp.Le(probability, delta, evaluate=False),
        "the p at which so few errors have probability delta",
        "cited",
        lambda: largest_ratio(cases(), "coverages, worst points included"),
        source="Clopper and Pearson (1934)",
        display=r"\mathbb P\big(p>\mathrm{CP}^+(k,N,\delta)\big)\le\delta",
    )


@cache
def unequal_trials_theorem() -> Step:
    """Clopper-Pearson at min(¼, 1 − e^{−δ}) covers the mean of trials with different probabilities."""
    delta = sp.Symbol("delta", positive=True)

    def cases() -> Iterator[tuple[Array, Array]]:
        share = sp.lambdify(delta, inequalities.unequal_trials(delta), "math")
        rng = np.random.default_rng(5)
        for size in (1, 2, 3, 8, 40):
            for level in (0.5, 0.25, 0.05):
                upper = np.array(
                    [limits.clopper_pearson_upper(k, size, share(level)) for k in range(size + 1)]
                )
                missed = []
                for trial in range(60):
                    p = rng.beta(*((0.1, 0.1) if trial % 2 else (0.5, 2.0)), size=size)
                    missed.append(_missed(p, upper))
                for edge in upper[:-1]:
                    # All of the mean in as few trials as hold it, and its complement: the extremes of spread.
                    for low in (0.0, 1.0):
                        p = np.full(size, low)
                        mass = edge * (1 + 1e-9) * size if low == 0.0 else (1 - edge * (1 + 1e-9)) * size
                        whole = min(int(mass), size - 1)
                        p[:whole], p[whole] = 1 - low, abs(low - min(mass - whole, 1.0))
                        missed.append(_missed(p, upper))
                yield np.array(missed), np.full(len(missed), level)

    return Step(
        "Clopper-Pearson for unequal trials",
        sp.Le(probability, delta, evaluate=False),
        "sums of unequal trials are less spread than binomials, except within one of their mean",
        "cited",
        lambda: largest_ratio(cases(), "coverages of unequal trials, extremes included"),
        source="Hoeffding (1956), Theorem 5; Greenberg and Mohri (2014)",
        note="Pairs with fixed class counts are independent but not alike, so the level is min(1/4, 1 - "
        "exp(-delta)).",
        display=r"\mathbb P\big(\bar p>\mathrm{CP}^+(k,N,\min(\tfrac14,1-e^{-\delta}))\big)\le\delta",
    )


def _missed(p: Array, upper: Array) -> float:
    value = float(poisson_binomial(p)[upper < p.mean() * (1 - 1e-12)].sum())
    return value


@cache
def constant_stakes_theorem() -> Step:
    """Coverage of the limit by bets of constant stakes, over every sequence of episodes with values 0, ½, 1."""
    delta = sp.Symbol("delta", positive=True)

    def cases() -> Iterator[tuple[Array, Array]]:
        levels = (0.0, 0.5, 1.0)
        sequences = np.array(list(product(levels, repeat=4)))
        # A second arrangement pairs other halves: the average over orders is what is tested, not one order alone.
        for rows in (1, 2):
            for level in (0.5, 0.05):
                upper = np.array([_arranged(one, rows, level) for one in sequences])
                for p in (0.02, 0.1, 0.3, 0.5, 0.8):
                    for half in (0.0, min(p, 1 - p)):
                        chances = {0.0: 1 - p - half / 2, 0.5: half, 1.0: p - half / 2}
                        weight = np.prod([[chances[x] for x in one] for one in sequences], axis=1)
                        yield np.array([float(weight[upper < p].sum())]), np.array([level])

    return Step(
        "bets of constant stakes",
        sp.Le(probability, delta, evaluate=False),
        "each product of bets has mean one at the true mean, hence their average; Markov",
        "cited",
        lambda: largest_ratio(cases(), "coverages over all sequences of four episodes"),
        source="this package; after Waudby-Smith and Ramdas (2024)",
        display=r"\mathbb P\Big(\tfrac1{B|C|}\textstyle\sum_{b,c}\prod_q\big(1+c\frac{p-H_{bq}}{1-p}\big)"
        r"\ge1/\delta\Big)\le\delta\qquad(p=\mathbb EH)",
    )


def _arranged(values: Array, rows: int, level: float) -> float:
    """The limit of one sequence, or of it beside itself in another grouping: first half swapped with the second."""
    table = torch.from_numpy(np.stack([values, np.roll(values, 2)][:rows]))
    return constant_stakes_upper(table, level)
