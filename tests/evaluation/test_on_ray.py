"""The Ray engine: the report of one process, also after a worker was killed; no row in the driver."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import bounds
from bounds.data.arrays import ArraySource
from bounds.encoders.architectures import SmallConvNet
from bounds.encoders.checkpoints import save_encoder
from bounds.errors import InvalidData, InvalidOption
from bounds.evaluation import on_ray
from bounds.evaluation.on_ray import fill_with_ray, join, parts_of, ranges
from bounds.representations.extraction import extract_part
from bounds.representations.store import RepresentationStore

ROWS = 700


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000, 2**18 + 1])
@pytest.mark.parametrize("workers", [1, 2, 9])
def test_ranges_cover_all_rows_in_whole_batches(count, workers):
    found = ranges(count, 64, workers)
    assert found[0][0] == 0
    assert found[-1][1] == count
    assert all(stop == start for (_, stop), (start, _) in zip(found, found[1:], strict=False))
    assert all(start % 64 == 0 for start, _ in found)
    assert max(stop - start for start, stop in found) <= 2**17


@pytest.fixture(scope="module")
def cluster():
    import ray

    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - else a busy machine leaves the workers no time
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(bounds.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=150 * 2**20, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    x = rng.integers(0, 200, (ROWS, 1, 8, 8), dtype=np.uint8)
    x[np.arange(ROWS), 0, y, :] = 255
    for name, rows in (("labeled", slice(0, 400)), ("test", slice(400, ROWS))):
        np.savez(tmp_path / f"{name}.npz", x=x[rows], y=y[rows])
    np.savez(tmp_path / "unlabeled.npz", x=x[:300])
    torch.manual_seed(0)
    save_encoder(SmallConvNet(width=4, dim=8), tmp_path / "encoder.safetensors")
    return tmp_path


def numbers(report):
    plain = json.loads(report.to_json())
    return {name: bound["value"] for name, bound in plain["bounds"].items()}, plain["quantities"]


def same_report(files, folder):
    data = [str(files / f"{name}.npz") for name in ("labeled", "unlabeled")]
    options = {"test": str(files / "test.npz"), "batch_size": 32, "device": "cpu"}
    wanted = bounds.evaluate(str(files / "encoder.safetensors"), *data, **options)
    found = bounds.evaluate(str(files / "encoder.safetensors"), *data, **options, save_representations=folder)
    for one, other in zip(numbers(wanted), numbers(found), strict=True):
        assert one == pytest.approx(other, rel=1e-12, nan_ok=True)
    assert found.provenance["checkpoint"] == wanted.provenance["checkpoint"]


@pytest.mark.hubs
def test_the_report_of_one_process(cluster, files):
    data = {name: str(files / f"{name}.npz") for name in ("labeled", "unlabeled", "test")}
    folder = fill_with_ray(str(files / "encoder.safetensors"), data, files / "out", batch_size=32)
    assert sorted(path.name for path in folder.iterdir()) == ["labeled", "test", "unlabeled"]
    same_report(files, folder)


class Fatal:
    """Kills the process that runs it, once."""

    def __init__(self, mark):
        self.mark = mark

    def __call__(self, images):
        if self.mark.exists():
            self.mark.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return images.flatten(1).float() / 255


@pytest.mark.hubs
def test_a_killed_worker_changes_nothing(cluster, files):
    mark = files / "mark"
    mark.touch()
    data = {"labeled": str(files / "labeled.npz")}
    folder = fill_with_ray(Fatal(mark), data, files / "out", batch_size=32, workers=1)
    assert not mark.exists()
    found = RepresentationStore.open(folder / "labeled").representations("labeled")
    with np.load(files / "labeled.npz") as whole:
        x, y = whole["x"], whole["y"]
    rows = np.concatenate([found.views[0][i : i + 50] for i in range(0, 400, 50)])
    assert np.array_equal(rows, x.reshape(400, -1) / np.float32(255))
    assert np.array_equal(found.labels, y)


@pytest.mark.hubs
def test_the_driver_opens_neither_data_nor_parts(cluster, files, monkeypatch):
    """Whatever grows with the rows is in other processes, which import the module anew."""

    def refused(*_args, **_named):
        raise AssertionError("opened in the driver")

    for name in ("open_source", "merge_stores", "extract_part"):
        monkeypatch.setattr(on_ray, name, refused)
    monkeypatch.setattr(on_ray.RepresentationStore, "open", refused)
    data = {"labeled": str(files / "labeled.npz")}
    folder = fill_with_ray(str(files / "encoder.safetensors"), data, files / "out", batch_size=32)
    monkeypatch.undo()
    assert RepresentationStore.open(folder / "labeled").count == 400


@pytest.mark.hubs
def test_what_a_worker_refuses_is_one_sentence_here(cluster, files):
    with np.load(files / "labeled.npz") as whole:
        x, y = whole["x"], whole["y"]
    np.savez(files / "many.npz", x=x, y=np.where(np.arange(400) == 7, 9, y))
    broken = x.astype(np.float32) / 255
    broken[399] = np.nan
    np.savez(files / "broken.npz", x=broken, y=y)
    encoder = str(files / "encoder.safetensors")
    for name, said in (("many", r"label 9 in row 7"), ("broken", r"NaN or infinity in row 399")):
        with pytest.raises(InvalidData, match=said) as error:
            fill_with_ray(
                encoder, {"labeled": str(files / f"{name}.npz")}, files / name, num_classes=3, batch_size=32
            )
        assert type(error.value) is InvalidData


def parts_from(folder, *arrays):
    """Parts of 10 rows, each from its own array as if that were the data."""
    parts = []
    for i, x in enumerate(arrays):
        parts.append(str(parts_of(folder, "labeled") / f"{10 * i}-{10 * i + 10}"))
        source = ArraySource((x,), np.arange(20) % 2, "`labeled`", None)
        extract_part(None, source, parts[-1], (10 * i, 10 * i + 10), role="labeled")
    return parts


def test_parts_of_changed_data_are_not_joined(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 3))
    parts = parts_from(tmp_path, x, x + 1)
    with pytest.raises(InvalidData, match="changed while it was read"):
        join(tmp_path, "labeled", parts)
    assert not (tmp_path / "labeled").exists()


def test_joining_twice_is_joining_once(tmp_path):
    """A task that was killed after its work is run again."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    parts = parts_from(tmp_path, x, x)
    join(tmp_path, "labeled", parts)
    join(tmp_path, "labeled", parts)
    found = RepresentationStore.open(tmp_path / "labeled")
    assert np.array_equal(found.views[0][:], x)
    assert not parts_of(tmp_path, "labeled").exists()


@pytest.mark.hubs
def test_no_checkpoint_is_refused(files):
    with pytest.raises(InvalidOption, match="runs an encoder"):
        fill_with_ray(None, {"labeled": str(files / "labeled.npz")}, files / "out")


@pytest.mark.hubs
def test_the_command(files, tmp_path):
    """`bounds evaluate --engine ray` starts a cluster of its own and writes the report."""
    command = [
        sys.executable,
        "-m",
        "bounds",
        "evaluate",
        "--engine",
        "ray",
        "--out",
        str(tmp_path / "report"),
    ]
    command += ["--checkpoint", str(files / "encoder.safetensors"), "--labeled", str(files / "labeled.npz")]
    command += ["--test", str(files / "test.npz"), "--batch-size", "32", "--bound", "test_set", "--size", "6"]
    environment = os.environ | {
        "PYTHONPATH": str(Path(bounds.__file__).parents[1]),
        "RAY_worker_niceness": "0",
    }
    environment.pop("RAY_ADDRESS", None)
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert (tmp_path / "report" / "report.json").is_file()
