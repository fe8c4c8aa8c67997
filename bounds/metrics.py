"""Summaries as torchmetrics metrics, for validation steps: they stream, reset, and merge over processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bounds.errors import MissingDependency
from bounds.information.one_pass import as_log
from bounds.summaries.geometry import Geometry


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
        sums are float64 on the CPU wherever the metric is moved to and whatever type it is set to. It can be pickled if
        `empty` and `read` can: functions of a module, not lambdas.

    Raises:
        MissingDependency: torchmetrics is not installed.
    """
    try:
        from bounds.evidence.summary_metric import SummaryMetric
    except ImportError as err:
        raise MissingDependency(
            "`summary_metric` needs torchmetrics; install it with pip install 'ssl-bounds[metrics]'."
        ) from err

    return SummaryMetric(empty, read, **options)


def representation_metric(dim: int, **options: Any) -> Any:
    """Label-free measures of representations as a `torchmetrics.Metric`: RankMe, alpha-ReQ, LiDAR, SelfCluster, ...

        metric = representation_metric(512)
        metric.update(encoder(x1), encoder(x2))     # in every validation step, in every process; one view will do
        metric.compute()                            # {"rank_me": 31.2, "lidar": 28.9, ...}, merged over processes

    As a callback of Lightning, with `EarlyStopping(monitor="alignment")` beside it to stop when views stop agreeing:

        class Measures(lightning.pytorch.Callback):
            def on_fit_start(self, trainer, module):
                self.metric = representation_metric(module.dim)

            def on_validation_batch_end(self, trainer, module, outputs, batch, batch_idx, dataloader_idx=0):
                self.metric.update(module(batch[0]), module(batch[1]))

            def on_validation_epoch_end(self, trainer, module):
                module.log_dict(self.metric.compute())
                self.metric.reset()

    Args:
        dim: Dimension d of the representations.
        options: Of `torchmetrics.Metric`.

    Returns:
        A metric whose value is that of `bounds.monitor` on all rows it has seen, without keeping them.

    Raises:
        MissingDependency: torchmetrics is not installed.
    """
    return summary_metric(partial(Geometry.empty, dim), as_log, **options)
