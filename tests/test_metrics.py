"""Summaries inside a torchmetrics loop: any batches, resets, checkpoints and processes give the summary of all."""

import sys

import pytest
import torch
import torch.distributed as dist

from bounds.errors import MissingDependency
from bounds.heads import LeastSquares
from bounds.metrics import summary_metric
from bounds.summaries import ClassMoments, Covariance, Moments, PairMoments
from tests.processes import run_in_processes

pytest.importorskip("torchmetrics")


def sample(seed=0, n=60):
    g = torch.Generator().manual_seed(seed)
    z, other = torch.randn(2, n, 4, generator=g)
    return z, other, torch.randint(3, (n,), generator=g)


def residual(squares):
    return squares.residual_norm()


def least_squares():
    return summary_metric(lambda: LeastSquares.empty(4, 3), residual)


def test_batches_give_the_number_of_the_whole():
    z, _, y = sample()
    metric = least_squares()
    for part in (slice(0, 7), slice(7, 50), slice(50, 60)):
        metric.update(z[part], y[part])
    expected = LeastSquares.empty(4, 3).update(z.double(), y).residual_norm()
    assert metric.compute() == pytest.approx(expected, rel=1e-12)
    assert metric.compute() == metric.compute()
    metric.reset()
    assert metric.summary.count == 0
    metric.update(z, y)
    assert metric.compute() == pytest.approx(expected, rel=1e-12)


def test_every_summary_can_be_a_metric():
    z, _, _ = sample()
    metric = summary_metric(lambda: Covariance.empty(4), lambda seen: float(seen.matrix().trace()))
    metric.update(z[:9])
    metric.update(z[9:])
    assert metric.compute() == pytest.approx(float(z.double().var(0).sum()), rel=1e-12)


def test_the_value_of_a_call_is_that_of_its_batch():
    z, other, _ = sample()
    metric = summary_metric(lambda: PairMoments.empty(4), lambda pairs: pairs.invariance)
    value = metric(z[:10], other[:10])
    metric(z[10:], other[10:])
    assert value == pytest.approx(
        float((z[:10].double() - other[:10].double()).norm(dim=1).mean()), rel=1e-12
    )
    assert metric.compute() == pytest.approx(
        float((z.double() - other.double()).norm(dim=1).mean()), rel=1e-12
    )


def test_a_checkpoint_and_a_merge_keep_what_was_seen():
    z, _, y = sample()
    first, second, resumed = (
        summary_metric(lambda: ClassMoments.empty(4, 3), lambda classes: classes.means) for _ in range(3)
    )
    first.update(z[:20], y[:20])
    second.update(z[20:], y[20:])
    resumed.load_state_dict(first.state_dict())
    resumed.merge_state(second)
    expected = ClassMoments.empty(4, 3).update(z, y)
    assert torch.equal(resumed.summary.counts, expected.counts)
    torch.testing.assert_close(resumed.compute(), expected.means, rtol=1e-12, atol=1e-12)
    assert first.summary.count == 20


def test_half_precision_batches_and_metrics_keep_float64_sums():
    z, _, _ = sample()
    metric = summary_metric(lambda: Moments.empty(4), lambda moments: moments.mean).half()
    metric.update(z.half())
    torch.testing.assert_close(metric.compute(), z.half().double().mean(0), rtol=1e-12, atol=1e-12)


def test_without_torchmetrics_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.delitem(sys.modules, "bounds.evidence.summary_metric", raising=False)
    with pytest.raises(MissingDependency, match=r"ssl-bounds\[metrics\]"):
        least_squares()


def worker(rank, world, folder):
    import os

    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world)
    z, _, y = sample()
    metric = least_squares()
    if rank < 2:  # the last process sees nothing
        own = slice(0, 13) if rank == 0 else slice(13, None)
        metric.update(z[own], y[own])
    expected = LeastSquares.empty(4, 3).update(z.double(), y).residual_norm()
    assert metric.compute() == pytest.approx(expected, rel=1e-12)
    assert metric.summary.count == (13, 47, 0)[rank], "after computing, each process has its own part again"
    step = summary_metric(lambda: Moments.empty(4), lambda moments: moments.mean, dist_sync_on_step=True)
    own = slice(20 * rank, 20 * rank + 20)
    torch.testing.assert_close(step(z[own]), z.double().mean(0), rtol=1e-12, atol=1e-12)
    assert step.summary.count == 20, "a step shows the batch of all processes and keeps its own"
    dist.destroy_process_group()


def test_processes_compute_the_number_of_all_rows(tmp_path):
    run_in_processes(worker, (3, tmp_path), 3)


def test_representation_metric_is_monitor_of_all_rows():
    import bounds
    from bounds.metrics import representation_metric

    z, other, _ = sample()
    metric = representation_metric(4)
    for part in (slice(0, 7), slice(7, 50), slice(50, 60)):
        metric.update(z[part], other[part])
    expected = bounds.monitor(z, other)
    found = metric.compute()
    assert {"rank_me", "lidar", "alignment", "self_cluster"} <= found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name
    assert representation_metric(4).compute() == {}
