"""Pick-to-learn, exactly: worlds in which picks and error have a law that is a finite sum."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import sympy as sp

from bounds.derivations.lemmas.exact import Array, binomial, largest_ratio
from bounds.derivations.quantities import probability
from bounds.derivations.steps import Step
from bounds.summaries.picks import picked_limit


@cache
def pick_theorem() -> Step:
    """Coverage of the limit where a head memorises what it picks: items of equal mass, and rare items that never repeat."""
    delta = sp.Symbol("delta", positive=True)

    def cases() -> Iterator[tuple[Array, Array]]:
        for size in (1, 2, 5, 12, 40):
            for level in (0.5, 0.1, 0.01):
                limits = np.array([picked_limit(k, size, level) for k in range(size + 1)])
                for values in (1, 2, 4, 9, 30):
                    # Every value seen is picked once; the head errs on those never seen.
                    seen = _occupancy(values, size)
                    error = 1 - np.arange(len(seen)) / values
                    missed = error > limits[: len(seen)]
                    yield np.array([float(seen[missed].sum())]), np.array([level])
                # A share p of items is new each time and never learned; just above each limit coverage is worst.
                for p in (0.05, 0.3, *(min(one * (1 + 1e-9), 1.0) for one in limits[:-1])):
                    yield np.array([float(binomial(size, p)[limits < p].sum())]), np.array([level])

    return Step(
        "pick-to-learn",
        sp.Le(probability, delta, evaluate=False),
        "items that are never picked change no pick",
        "cited",
        lambda: largest_ratio(cases(), "coverages of heads that memorise"),
        source="Campi and Garatti (2023), Thm 1",
        display=r"\mathbb P\big(\mathrm{err}>\varepsilon(k,N,\delta)\big)\le\delta",
    )


def _occupancy(values: int, size: int) -> Array:
    """P(so many of equally likely values are seen in `size` draws), 0..min(values, size)."""
    law = np.zeros(min(values, size) + 1)
    law[0] = 1.0
    for _ in range(size):
        seen = np.arange(len(law))
        stay, move = law * seen / values, law * (1 - seen / values)
        law = stay
        law[1:] += move[:-1]
    return law
