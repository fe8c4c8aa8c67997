"""How the signs are drawn, and the deviation of a mean over draws, common to all classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from bounds.arguments import shown
from bounds.errors import InvalidOption
from bounds.evidence.distributed import all_sum
from bounds.processes import ALONE, Processes
from bounds.representations.table import Representations


@dataclass(frozen=True)
class Sampling:
    """Settings of one evaluation.

    Attributes:
        draws: Number T of sign vectors for Monte Carlo.
        seed: Key of the signs.
        level: Confidence of the reported intervals, over the signs, given the data.
        delta: Probability to spend on a Monte-Carlo upper limit; None keeps to deterministic upper bounds.
        search: Sign vectors for which an intractable supremum is searched; 0 searches none.
        rows: Items read at a time.
        device: Where to compute.
        precision: "float32" or "float64" for products of signs and rows; sums over blocks are always float64.
        processes: Those that share the items; each holds all the data and makes the same evaluation.

    Raises:
        InvalidOption: a setting outside its range.

    Example:
        >>> from bounds.complexity import Sampling
        >>> Sampling(draws=50, seed=1).level
        0.95
    """

    draws: int = 200
    seed: int = 0
    level: float = 0.95
    delta: float | None = None
    search: int = 8
    rows: int = 1024
    device: str | torch.device = "cpu"
    precision: Literal["float32", "float64"] = "float32"
    processes: Processes = ALONE

    def __post_init__(self) -> None:
        for name, least in (("draws", 1), ("search", 0), ("rows", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InvalidOption(f"`{name}` must be an integer of at least {least}, got {shown(value)}.")
        if not 0 < self.level < 1:
            raise InvalidOption(f"`level` must lie between 0 and 1, got {self.level}.")
        if self.delta is not None and not 0 < self.delta < 1:
            raise InvalidOption(f"`delta` must lie between 0 and 1, or be None, got {self.delta}.")
        if self.precision not in ("float32", "float64"):
            raise InvalidOption(f"`precision` must be 'float32' or 'float64', got {shown(self.precision)}.")

    @property
    def dtype(self) -> torch.dtype:
        """Type of the products; float64 where torch may shorten float32 products (TF32, bfloat16)."""
        exact = (
            torch.get_float32_matmul_precision() == "highest" and not torch.backends.cuda.matmul.allow_tf32
        )
        return torch.float32 if self.precision == "float32" and exact else torch.float64

    def share(self, count: int) -> range:
        """First items of the blocks that this process reads: whole blocks, so that no rounding tells how many share."""
        first, last = self.processes.share(-(-count // self.rows))
        return range(first * self.rows, min(last * self.rows, count), self.rows)

    def blocks(self, table: Representations) -> Iterator[tuple[range, tuple[Tensor, ...], Tensor | None]]:
        """This process's blocks of a table: numbers of the rows, views, labels."""
        own = self.share(table.count)
        start = own.start
        for views, labels in table.chunks(self.rows, self.device, start=start, stop=own.stop):
            yield range(start, start + len(views[0])), views, labels
            start += len(views[0])

    def total(self, sums: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """Sums over all items, from those over the blocks of each process."""
        return all_sum(self.processes, "summing over signs and items", sums)


def deviation(proxy: float, failure: float, draws: int) -> float:
    """The t at which exp(-T t^2 / proxy), the tail of a mean of T draws, equals `failure`."""
    return math.sqrt(proxy * math.log(1 / failure) / draws)
