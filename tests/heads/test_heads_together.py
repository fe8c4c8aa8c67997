"""Heads of several processes, and on a GPU, are those of one process on the CPU."""

import os
from functools import partial

import numpy as np
import pytest
import torch
import torch.distributed as dist
from sklearn.naive_bayes import GaussianNB

from bounds.evidence.distributed import all_merge
from bounds.heads import head_kind
from bounds.heads.labeled_rows import LabeledRows
from bounds.processes import Processes
from bounds.representations.table import Representations
from tests.processes import run_in_processes

WORLD = 2
CHOICES = {
    "min_norm": "min_norm",
    "ridge": ("ridge", 0.1),
    "nearest_mean": "nearest_mean",
    "knn": ("knn", 5),
    "logistic": ("logistic", 1e-3),
    "chosen": "logistic",
    "estimator": GaussianNB(),
}


def scores(**options):
    """Of each head, at new rows; 61 rows do not split evenly, and class 4 has none of them."""
    rng = np.random.default_rng(3)
    means = rng.normal(size=(4, 6))
    labels = rng.integers(4, size=61)
    z = means[labels] + rng.normal(size=(61, 6))
    new = torch.from_numpy(rng.normal(size=(30, 6)))
    rows = LabeledRows(Representations((torch.from_numpy(z),), labels), 5, **options)
    device = options.get("device", "cpu")
    for name, choice in CHOICES.items():
        yield name, head_kind(choice).fit(rows).to(device)(new.to(device)).cpu()


def worker(rank, folder):
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=WORLD)
    processes = Processes.of_group()
    torch.save(dict(scores(processes=processes, merge=partial(all_merge, processes))), folder / f"{rank}.pt")
    dist.destroy_process_group()


def compare(found, expected):
    assert found.keys() == expected.keys() == CHOICES.keys()
    for name, one in expected.items():
        # Logistic regression stops at a share of its objective, wherever rounding led it.
        rtol = 1e-3 if name in ("logistic", "chosen") else 1e-9
        torch.testing.assert_close(
            found[name], one, rtol=rtol, atol=rtol, msg=lambda text, name=name: name + text
        )


def test_two_processes_fit_the_heads_of_one(tmp_path):
    run_in_processes(worker, (tmp_path,), WORLD)
    alone = dict(scores())
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(WORLD))
    compare(first, alone)
    for name, one in first.items():
        assert torch.equal(one, second[name]), f"{name}: every process has the same bits"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_fits_the_heads_of_the_processor():
    compare(dict(scores(device="cuda")), dict(scores()))
