"""The metric behind `bounds.metrics.summary_metric`; importing it needs torchmetrics."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from bounds.evidence.saved import pack, unpack


class SummaryMetric(Metric):
    """The one state, `packed`, is what was seen as bytes; batches since it was last read are kept aside.

    Reading it packs them, setting it replaces everything: so torchmetrics may copy, share, gather, load and reset the
    state as it does with any other.
    """

    full_state_update = False

    def __init__(self, empty: Callable[[], Any], read: Callable[[Any], Any], **options: Any) -> None:
        super().__init__(**{"dist_sync_fn": _gather, **options})
        self._empty, self._read = empty, read
        self.add_state("packed", default=pack(empty()), dist_reduce_fx=_only, persistent=True)

    @property
    def packed(self) -> Tensor:
        """All that was seen, as bytes."""
        if self._recent is not None:
            self.packed = pack(self.summary).to(self.device)
        return self._packed

    @packed.setter
    def packed(self, value: Tensor) -> None:
        self._packed, self._recent = value, None

    @property
    def summary(self) -> Any:
        """All that was seen: in this process, or in all of them while synchronised."""
        seen = unpack(self._packed)
        return seen if self._recent is None else seen.merge(self._recent)

    def update(self, *batch: Any) -> None:
        """Add a batch."""
        recent = self._empty() if self._recent is None else self._recent
        self._recent = recent.update(*_moved(batch))

    def compute(self) -> Any:
        """The numbers asked for."""
        return self._read(self.summary)

    def forward(self, *batch: Any) -> Any:
        """Add a batch, and return the value of that batch alone: that of all processes with `dist_sync_on_step=True`."""
        self.update(*batch)
        seen = self._empty().update(*_moved(batch))
        if self.dist_sync_on_step and self.distributed_available_fn():
            seen = unpack(self.dist_sync_fn(pack(seen).to(self.device), self.process_group)[0])
        return self._read(seen)

    def merge_state(self, incoming_state: Any) -> None:
        """Add what another such metric has seen."""
        other = incoming_state.summary
        self._recent = other if self._recent is None else self._recent.merge(other)
        self._update_count += incoming_state.update_count
        self._computed = None

    def set_dtype(self, dst_type: str | torch.dtype) -> SummaryMetric:
        """Nothing: bytes have no other type, and the sums stay float64."""
        return self

    def __getstate__(self) -> dict[str, Any]:
        self.packed  # noqa: B018 - folds what is recent into the bytes
        state: dict[str, Any] = super().__getstate__()
        return state


def _moved(batch: tuple[Any, ...]) -> list[Any]:
    return [one.detach().cpu() if isinstance(one, Tensor) else one for one in batch]


def _gather(packed: Tensor, group: Any = None) -> list[Tensor]:
    """What all processes have seen, merged in the order of their ranks."""
    from torchmetrics.utilities.distributed import gather_all_tensors

    merged = reduce(lambda a, b: a.merge(b), map(unpack, gather_all_tensors(packed, group)))
    return [pack(merged).to(packed.device)]


def _only(stacked: Tensor) -> Tensor:
    return stacked[0]
