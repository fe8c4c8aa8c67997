"""p-values adjusted for many hypotheses: Holm (family-wise error), Benjamini-Hochberg (false discoveries)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidOption

Correction = Literal["holm", "benjamini-hochberg"]


def adjust(p_values: Tensor, correction: Correction = "holm", tested: Tensor | None = None) -> Tensor:
    """Adjusted p-values along the last dimension; reject where at most alpha.

    Holm: max over j <= i of (m - j + 1) p_(j), valid under any dependence. Benjamini-Hochberg: min over j >=
    i of m p_(j) / j, controls the false discovery rate under independence or positive dependence.

    Args:
        p_values: (..., m).
        correction: `holm` or `benjamini-hochberg`.
        tested: (..., m) booleans; the others are no hypotheses: they do not count in m and come back as 1.

    Raises:
        InvalidOption: another correction, or p-values outside [0, 1].

    Example:
        >>> import torch
        >>> from bounds.information import adjust
        >>> adjust(torch.tensor([0.01, 0.04, 0.03]))  # 3 · 0.01, 2 · 0.03, and no less than that
        tensor([0.0300, 0.0600, 0.0600])
    """
    if correction not in ("holm", "benjamini-hochberg"):
        raise InvalidOption(f"`correction` must be holm or benjamini-hochberg, got {shown(correction)}.")
    if not bool(((p_values >= 0) & (p_values <= 1)).all()):
        raise InvalidOption("`p_values` must lie in [0, 1].")
    kept = torch.ones_like(p_values, dtype=torch.bool) if tested is None else tested
    # Hypotheses that were not tested sort last and change nobody's rank.
    order = torch.where(kept, p_values, torch.full_like(p_values, 2.0)).argsort(dim=-1, stable=True)
    count = kept.sum(dim=-1, keepdim=True)
    rank = torch.arange(1, p_values.shape[-1] + 1, device=p_values.device).expand(p_values.shape)
    real = rank <= count
    sorted_p = p_values.gather(-1, order)
    if correction == "holm":
        scaled = (
            torch.where(real, (count - rank + 1) * sorted_p, torch.zeros_like(sorted_p)).cummax(dim=-1).values
        )
    else:
        steps = torch.where(real, count * sorted_p / rank, torch.ones_like(sorted_p))
        scaled = steps.flip(-1).cummin(dim=-1).values.flip(-1)
    scaled = torch.where(real, scaled.clamp(max=1), torch.ones_like(scaled))
    return torch.empty_like(scaled).scatter_(-1, order, scaled)
