"""VICReg's three terms of any representation, unweighted, over all items and not over a batch."""

from __future__ import annotations

from typing import NamedTuple

from bounds.summaries.geometry import Geometry

_EPSILON = 1e-4  # under the root, as in the authors' program


class VICRegTerms(NamedTuple):
    """Invariance s, variance v, covariance c.

    Attributes:
        invariance: (1/nd) Σ ‖z_i − z'_i‖², or None for one view.
        variance: (1/d) Σ_j max(0, γ − √(Var z^j + ε)); 0 when every coordinate has deviation γ.
        covariance: (1/d) Σ_{j≠k} Cov(z)²_jk.

    Example:
        >>> import torch
        >>> from bounds.information import vicreg_terms
        >>> from bounds.summaries import Geometry
        >>> vicreg_terms(Geometry.empty(2).update(torch.eye(2), torch.eye(2))).invariance
        0.0
    """

    invariance: float | None
    variance: float
    covariance: float


def vicreg_terms(seen: Geometry, *, gamma: float = 1.0, unit: float = 1.0) -> VICRegTerms:
    """The terms of the first views, the invariance of both; unbiased covariance, in the unit of the representation.

    Args:
        seen: What was seen of the representation, two rows at least.
        gamma: γ.
        unit: What the rows were divided by before they were seen; the terms are those of the rows themselves.

    Raises:
        InvalidData: fewer than two rows.

    Reference:
        Bardes, Ponce & LeCun, ICLR 2022, equations (1) to (4), normalised as `bounds.objectives.VICReg`.

    Example:
        >>> import torch
        >>> from bounds.information import vicreg_terms
        >>> from bounds.summaries import Geometry
        >>> z = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> found = vicreg_terms(Geometry.empty(2).update(z, 2 * z))
        >>> found.invariance, round(found.variance, 3), found.covariance  # variance: 1 − √(2/3 + ε)
        (0.5, 0.183, 0.0)
    """
    matrix = seen.rows.matrix()
    d = len(matrix)
    variances = matrix.diagonal()
    deviations = (unit * variances.sqrt()).hypot(variances.new_tensor(_EPSILON).sqrt())
    hinge = (gamma - deviations).clamp_min(0).mean()
    off = (matrix - variances.diag_embed()).square().sum()  # the diagonal may be all that a sum of both holds
    invariance = 4 * float(seen.halves.trace()) / (seen.items.count * d) if seen.items.count else None
    return VICRegTerms(
        None if invariance is None else invariance * unit * unit,
        float(hinge),
        float(off) / d * unit * unit * unit * unit,
    )
