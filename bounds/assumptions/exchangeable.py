"""A warning, no assumption: labeled and test rows that are not exchangeable (T normalised by itself, groups in T)."""

from __future__ import annotations

import numpy as np
import torch

from bounds.assumptions.assumption import AssumptionTest
from bounds.draws import permutation
from bounds.representations.table import Representations
from bounds.summaries.units import moderate_unit

_STREAM, _SHUFFLES = 38, 39
_MOST, _PERMUTATIONS = 1000, 999
WARNING = 0.005


def exchangeable(labeled: Representations, test: Representations, seed: int = 0) -> AssumptionTest:
    """Permutation tests of two numbers, on at most 1,000 rows a side; exact under one law.

    ‖mean of T‖∞ is small where T was centred by itself and large where it moved; the share of rows whose nearest
    neighbour is of the same side is large where T comes in groups. p is three times the smallest of these three tails,
    so at least 3/1000.
    """
    rows = []
    for stream, table in enumerate((labeled, test)):
        items = np.sort(permutation(seed, table.count, _STREAM + 10 * stream)[:_MOST])
        rows.append(torch.cat([views[0] for views, _ in table.chunks(items=items)]).cpu())
    x, n = torch.cat(rows), len(rows[0])
    x = x / moderate_unit(x)
    total = len(x)
    apart = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    nearest = apart.argmin(1).numpy()
    rng = np.random.default_rng([seed, _SHUFFLES])
    sides = np.zeros((1 + _PERMUTATIONS, total), bool)
    sides[0, n:] = True
    for i in range(1, 1 + _PERMUTATIONS):
        sides[i, rng.permutation(total)[: total - n]] = True
    means = (torch.from_numpy(sides).to(x.dtype) @ x / (total - n)).abs().amax(1).numpy()
    same = (sides == sides[:, nearest]).mean(1)
    tails = [(means >= means[0]).mean(), (means <= means[0]).mean(), (same >= same[0]).mean()]
    return AssumptionTest(
        "exchangeability of labeled and test rows",
        "labeled and test rows are exchangeable",
        min(1.0, 3.0 * float(min(tails))),
        float(same[0] - same[1:].mean()),
        {"labeled": n, "test": total - n},
        3.0 / (1 + _PERMUTATIONS),
        WARNING,
    )
