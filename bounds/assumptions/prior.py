"""The declared class prior, and the class counts that refute it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bounds.assumptions.assumption import Assumption

REFUTED = 1e-4  # a p-value at or below it refutes; a certificate withheld cannot be wrong, so no δ is spent


def prior_pvalue(counts: ArrayLike, prior: ArrayLike) -> float:
    """P-value of class counts under i.i.d. labels from a prior: min(1, K·min_y p_y).

    p_y is the exact two-sided binomial p-value of n_y against Bin(n, p(y)), twice the smaller tail; K pays for the
    choice of the class.

    Args:
        counts: Labels per class, (K,).
        prior: p, (K,), non-negative, sum one.
    """
    n_y, p = np.asarray(counts, dtype=np.int64), np.asarray(prior, dtype=np.float64)
    n = n_y.sum()
    smaller = np.minimum(stats.binom.cdf(n_y, n, p), stats.binom.sf(n_y - 1, n, p))
    return float(min(1.0, 2 * len(n_y) * smaller.min()))


def declared_prior(prior: ArrayLike, counts: Mapping[str, ArrayLike]) -> Assumption:
    """Status of a declared prior: it holds as declared unless the class counts of an i.i.d. sample refute it.

    Args:
        prior: p, (K,).
        counts: Name of a sample to its labels per class, (K,).
    """
    p = np.asarray(prior, dtype=np.float64)
    lowest, refuted = 1.0, ""
    reachable = False
    for name, found in counts.items():
        n_y = np.asarray(found, dtype=np.int64)
        n = int(n_y.sum())
        value = min(1.0, len(counts) * prior_pvalue(n_y, p))
        reachable |= 2 * len(counts) * len(p) * float(np.minimum(p, 1 - p).min() ** n) <= REFUTED
        if value < lowest:
            lowest = value
            far = int(np.argmax(np.abs(n_y - n * p) / np.sqrt(n * p * (1 - p) + 1e-12)))
            refuted = f"{name} has {n_y[far]} of {n} items in class {far}, where the prior says {p[far]:.4g}"
    if lowest <= REFUTED:
        either = "the prior is wrong, or these items are not i.i.d. draws from the population"
        return Assumption("prior", "violated", f"{refuted} (p = {lowest:.1e}): {either}")
    tested = (
        f"the class counts do not refute it (p = {lowest:.2g})" if reachable else "not testable at this size"
    )
    return Assumption("prior", "holds", f"declared: class_prior; {tested}")
