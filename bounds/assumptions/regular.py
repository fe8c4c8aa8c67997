"""Independent draws refuted by class counts that are too equal."""

from __future__ import annotations

import math

import numpy as np

from bounds.assumptions.assumption import AssumptionTest


def too_regular(counts: np.ndarray) -> AssumptionTest:
    """Are class counts (K,) those of i.i.d. draws from some prior?

    p is 1 unless the largest and smallest count differ by at most one; that happens with probability at most
    C(K, r)·n!/((q!)^{K−r}((q+1)!)^r)·K^{−n} at n = qK + r, whatever the prior (largest at the uniform one, by Schur
    concavity).
    """
    n, classes = int(counts.sum()), len(counts)
    q, r = divmod(n, classes)
    log_p = (
        math.lgamma(classes + 1)
        - math.lgamma(r + 1)
        - math.lgamma(classes - r + 1)
        + math.lgamma(n + 1)
        - (classes - r) * math.lgamma(q + 1)
        - r * math.lgamma(q + 2)
        - n * math.log(classes)
    )
    least = min(1.0, math.exp(log_p) * (1 + 1e-9))
    spread = int(counts.max() - counts.min())
    return AssumptionTest(
        "too regular a sample",
        "class counts are those of independent draws",
        least if spread <= 1 else 1.0,
        float(spread <= 1),
        {"n": n, "K": classes, "largest less smallest": spread},
        least,
    )
