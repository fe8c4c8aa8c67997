"""Summaries as torchmetrics metrics, for validation steps: they stream, reset, and merge over processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from torch import Tensor

from bounds.errors import MissingDependency
from bounds.evidence.saved import pack, unpack


def summary_metric(empty: Callable[[], Any], read: Callable[[Any], Any], **options: Any) -> Any:
    """A `torchmetrics.Metric` around one summary.

        metric = summary_metric(lambda: LeastSquares.empty(dim, classes), lambda s: s.residual_norm())
        metric.update(z, labels)      # in every validation step, in every process
        metric.compute()              # merged over the processes of torch.distributed

    Args:
        empty: Makes the neutral element, on the CPU: `lambda: PairMoments.empty(dim)`, ...
        read: What `compute()` returns of the summary: a number, a tensor, or a dictionary of those.
        options: Of `torchmetrics.Metric` (`sync_on_compute`, `process_group`, ...).

    Returns:
        A metric whose `update` takes what the summary's `update` takes. Its attribute `summary` is what this process
        has seen, and what all have seen inside `with metric.sync_context():`. Batches may have any type and device;
        sums are float64 on the CPU wherever the metric is moved to.

    Raises:
        MissingDependency: torchmetrics is not installed.
    """
    try:
        from torchmetrics import Metric
    except ImportError as err:
        raise MissingDependency(
            "`summary_metric` needs torchmetrics; install it with pip install 'ssl-bounds[metrics]'."
        ) from err

    class SummaryMetric(Metric):
        """The state that processes exchange is what was seen, packed; batches since then are kept aside."""

        full_state_update = False

        def __init__(self) -> None:
            super().__init__(**{"dist_sync_fn": _gather, **options})
            self.add_state("packed", default=pack(empty()), dist_reduce_fx=_only, persistent=True)
            self._recent: Any = empty()

        @property
        def summary(self) -> Any:
            """All that was seen: in this process, or in all of them while synchronised."""
            return unpack(self.packed).merge(self._recent)

        def update(self, *batch: Any) -> None:
            """Add a batch."""
            moved = (one.detach().cpu() if isinstance(one, Tensor) else one for one in batch)
            self._recent = self._recent.update(*moved)

        def compute(self) -> Any:
            """The numbers asked for."""
            return read(self.summary)

        def forward(self, *batch: Any) -> Any:
            """Add a batch, and return the value of that batch alone."""
            self.update(*batch)
            return read(empty().update(*(one.detach().cpu() for one in batch)))

        def merge_state(self, incoming_state: Any) -> None:
            """Add what another such metric has seen."""
            self._recent = self._recent.merge(incoming_state.summary)
            self._update_count += incoming_state.update_count
            self._computed = None

        def reset(self) -> None:
            """Forget everything."""
            super().reset()
            self._recent = empty()

        def sync(self, *args: Any, **kwargs: Any) -> None:
            """Exchange with the other processes."""
            self._fold()
            super().sync(*args, **kwargs)

        def state_dict(self, *args: Any, **kwargs: Any) -> Any:
            """The packed summary, for checkpoints."""
            self._fold()
            return super().state_dict(*args, **kwargs)

        def _fold(self) -> None:
            self.packed = pack(self.summary).to(self.device)
            self._recent = empty()

    return SummaryMetric()


def _gather(packed: Tensor, group: Any = None) -> list[Tensor]:
    """What all processes have seen, merged in the order of their ranks."""
    from torchmetrics.utilities.distributed import gather_all_tensors

    merged = reduce(lambda a, b: a.merge(b), map(unpack, gather_all_tensors(packed, group)))
    return [pack(merged).to(packed.device)]


def _only(stacked: Tensor) -> Tensor:
    return stacked[0]
