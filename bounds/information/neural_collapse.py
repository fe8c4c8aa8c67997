"""NC1: variability within classes in units of the scatter of their means, direction by direction."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bounds.errors import InvalidData
from bounds.information.rows import as_rows, row_chunks
from bounds.summaries.units import binary_unit
from bounds.summaries.within import WithinScatter


def neural_collapse(data: Any, labels: Any, rows: int = 8192) -> float:
    r"""NC1 of labeled representations, zero when every class has collapsed to its mean.

    .. math:: \frac1K \operatorname{tr}(\Sigma_W \Sigma_B^\dagger)

    Σ_W averages (z − μ_y)(z − μ_y)ᵀ over items, Σ_B averages (μ_c − μ_G)(μ_c − μ_G)ᵀ over the K classes present, μ_G
    the mean of the class means. Σ_B has rank K − 1 at most: the pseudo-inverse leaves out what lies across.

    Args:
        data: Representations, (N, d); of two views the first.
        labels: Class indices, (N,).
        rows: Rows in memory at a time.

    Raises:
        InvalidData: labels that do not fit, fewer than two classes, or all class means in one point.

    Reference:
        Papyan, Han & Donoho, PNAS 2020 (arXiv:2008.08186), figure 6; μ_G as for classes of one size.

    Example:
        >>> import torch
        >>> from bounds.information import neural_collapse
        >>> z = torch.tensor([[0.0], [2.0], [4.0], [6.0]])
        >>> round(neural_collapse(z, torch.tensor([0, 0, 1, 1])), 3)  # within 1, between 4, K = 2
        0.125
    """
    whole = as_rows(data, least=2)
    target = torch.as_tensor(labels, device="cpu")
    if target.shape != (len(whole),) or target.is_floating_point() or int(target.long().min()) < 0:
        raise InvalidData(f"`labels` must be {len(whole)} class indices, one for each row.")
    target = target.long()  # unsigned integers have few operations
    seen = WithinScatter.empty(whole.shape[1], int(target.max()) + 1)
    unit = binary_unit(whole)  # squares neither over- nor underflow
    for part, own in zip(row_chunks(whole.cpu(), rows), row_chunks(target, rows), strict=True):
        seen = seen.update(part.double() / unit, own)
    return neural_collapse_of(seen)


def neural_collapse_of(seen: WithinScatter) -> float:
    """`neural_collapse` of a summary.

    Raises:
        InvalidData: fewer than two classes, or all class means in one point.
    """
    present = seen.counts > 0
    means: Tensor = seen.means[present]
    if len(means) < 2:
        raise InvalidData(f"NC1 compares classes and needs two of them, got {len(means)}.")
    centred = means - means.mean(dim=0)
    # Σ_B = CᵀC/K: its pseudo-inverse from the singular values of C, so that small distances are not squared away.
    _, s, vt = torch.linalg.svd(centred, full_matrices=False)
    size = max(float(s[0]), float(means.abs().max()))
    kept = s > max(centred.shape) * torch.finfo(s.dtype).eps * size
    if not bool(kept.any()):
        raise InvalidData("All class means lie in one point, so NC1 is infinite.")
    directions = vt[kept] / s[kept, None]
    return float((directions @ (seen.scatter / seen.counts.sum()) @ directions.T).trace())
