"""Kozachenko-Leonenko entropy: from nearest-neighbour distances, without a model, for low dimension only."""

from __future__ import annotations

import math
import warnings
from typing import Any

import torch

from bounds.errors import BoundsWarning, InvalidData
from bounds.information.pairwise import BLOCK, nearest
from bounds.information.records import Entropy
from bounds.information.rows import as_rows
from bounds.processes import Processes
from bounds.summaries.units import binary_unit

TRUSTED_DIMENSION = 10


def nearest_neighbour_entropy(
    data: Any, k: int = 3, *, block: int = BLOCK, distributed: bool = False
) -> Entropy:
    r"""Kozachenko-Leonenko estimate of h(Z) from distances to the k-th nearest neighbour, in nats.

    .. math:: \hat h = \psi(n) - \psi(k) + \ln V_d + \frac d n \sum_i \ln \epsilon_i,

    V_d the volume of the unit ball. Consistent for smooth densities in fixed d; the bias falls like n^(-2/d),
    so in high dimension it is useless (67 nats too high on a Gaussian with d = 128, n = 10,000) and a warning
    says so.

    Args:
        data: Representations, tensor or array (n, d).
        k: Which neighbour; larger k, less variance and more bias.
        block: Rows on a side of a block.
        distributed: Every process of the torch.distributed group makes this same call and they share the blocks.

    Returns:
        Entropy of kind `estimate`; its standard error ignores the weak dependence between neighbours.

    Raises:
        InvalidData: a row with k exact copies, whose distance is zero.
        InvalidOption: `k` outside 1..n-1.

    Reference:
        Kozachenko & Leonenko 1987; Kraskov, Stögbauer & Grassberger 2004.

    Example:
        >>> import torch
        >>> from bounds.information import nearest_neighbour_entropy
        >>> z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0))
        >>> found = nearest_neighbour_entropy(z)
        >>> found.kind, round(found.value, 2)
        ('estimate', 4.31)
    """
    rows = as_rows(data, least=2)
    n, d = rows.shape
    unit = binary_unit(rows)  # squares neither over- nor underflow
    distances = nearest(rows.double() / unit, k, block, Processes.chosen(distributed))[0][:, -1]
    if not bool((distances > 0).all()):
        row = int((distances == 0).nonzero()[0, 0])
        raise InvalidData(
            f"Row {row} has {k} exact copies, so its distance is zero; remove duplicates or raise `k`."
        )
    logs = d * (distances.log() + math.log(unit))
    log_volume = 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1)
    psi = torch.digamma(torch.tensor([n, k], dtype=torch.float64))
    note = f"bias of order n^(-2/{d})"
    if d > TRUSTED_DIMENSION:
        note = f"do not trust it at d = {d}: bias of order n^(-2/{d})"
        warnings.warn(
            f"Kozachenko-Leonenko may be off by many nats at d = {d}; use LogDet or pairwise bounds.",
            BoundsWarning,
            stacklevel=2,
        )
    value = float(psi[0] - psi[1]) + log_volume + float(logs.mean())
    error = float(logs.std() / math.sqrt(n))
    return Entropy(value, "estimate", f"Kozachenko-Leonenko, k={k}", note, n, d, error)
