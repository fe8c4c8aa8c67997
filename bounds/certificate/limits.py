"""Sizes that no memory holds, known before anything is computed."""

from __future__ import annotations

from bounds.memory import require_memory


def afford_classes(num_classes: int, dim: int) -> None:
    """Refuse a number of classes whose matrices (K, K) and (K, d) do not fit.

    Args:
        num_classes: K.
        dim: d.

    Raises:
        InvalidOption: naming the memory it would take.
    """
    require_memory(
        8 * num_classes * (2 * num_classes + 4 * dim),
        f"`num_classes` = {num_classes:,} (the largest label plus one, unless it is given)",
        "number the classes 0, 1, 2, ...",
    )
