"""The trainer: exact resume, collapse, checkpoints with provenance, optimizers, probe, data-parallel runs."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from safetensors import safe_open
from torch import Tensor, nn

from bounds.encoders.architectures import SmallConvNet, build_encoder
from bounds.encoders.checkpoints import load_encoder
from bounds.errors import InvalidCheckpoint, InvalidData, InvalidOption, TrainingCollapsed
from bounds.examples.cifar10 import FILE, cifar10
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.objectives import BYOL, NTXent, Objective, PartiallyLabeledVICReg, VICReg
from bounds.pretraining import LARS, Pretrained, pretrain, ridge_probe
from bounds.pretraining.images import Images
from bounds.pretraining.monitor import spread
from bounds.pretraining.optimizers import cosine_schedule
from bounds.pretraining.trainer import memory_layout
from tests.processes import run_in_processes

IMAGES, LABELS = (part[:48] for part in digits().pretrain)


def run(out: Path, objective: str | Objective = "vicreg", **options: Any) -> Pretrained:
    options = {
        "epochs": 3,
        "batch_size": 16,
        "projector": (16, 8),
        "keep_every": 1,
        "progress": False,
    } | options
    options.setdefault("encoder", {"name": "small_convnet", "in_channels": 1, "width": 4, "dim": 8})
    return pretrain(objective, options.pop("data", (IMAGES, LABELS)), out=out, device="cpu", **options)


def without_times(history: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(("objective", "optimizer"), [("vicreg", "sgd"), ("byol", "lars")])
def test_a_run_killed_and_resumed_ends_bit_for_bit_like_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str, optimizer: str
) -> None:
    whole = run(tmp_path / "whole", objective, optimizer=optimizer)
    from bounds.pretraining.folder import RunFolder

    write, count = RunFolder.write_state, 0

    def killed(self: RunFolder, state: dict[str, Any]) -> None:
        nonlocal count
        count += 1
        if count == 2:  # after the encoder and the log of epoch 2, before its state
            raise KeyboardInterrupt
        write(self, state)

    monkeypatch.setattr(RunFolder, "write_state", killed)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", objective, optimizer=optimizer)
    monkeypatch.undo()
    torch.rand(7)  # the caller's random state does not matter
    resumed = run(tmp_path / "cut", objective, optimizer=optimizer)
    assert same_weights(whole.encoder, resumed.encoder)
    assert without_times(whole.history) == without_times(resumed.history)
    for one, other in zip(whole.trajectory, resumed.trajectory, strict=True):
        with safe_open(one, "pt") as a, safe_open(other, "pt") as b:
            assert all(torch.equal(a.get_tensor(k), b.get_tensor(k)) for k in a.keys())  # noqa: SIM118
    lines = (tmp_path / "cut" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3]


def test_a_finished_run_is_not_repeated_and_another_is_refused(tmp_path: Path) -> None:
    first = run(tmp_path, epochs=1)
    stamp = first.path.stat().st_mtime_ns
    again = run(tmp_path, epochs=1)
    assert again.path.stat().st_mtime_ns == stamp
    assert same_weights(first.encoder, again.encoder)
    with pytest.raises(InvalidOption, match="another settings"):
        run(tmp_path, epochs=2)
    with pytest.raises(InvalidOption, match="another objective"):
        run(tmp_path, "simclr", epochs=1)
    with pytest.raises(InvalidOption, match="another data"):
        run(tmp_path, epochs=1, data=(IMAGES[::-1].copy(), LABELS))
    assert len(run(tmp_path, epochs=2, resume=False).history) == 2
    (tmp_path / "state.pt").write_bytes(b"half a state")
    with pytest.raises(InvalidCheckpoint, match="cannot be read"):
        run(tmp_path, epochs=2)


def test_the_callers_random_state_is_left_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run(tmp_path, epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_an_architecture_takes_its_channels_from_the_images(tmp_path: Path) -> None:
    made = run(tmp_path, encoder={"name": "resnet", "depth": 18, "stem": "cifar", "width": 2}, epochs=1)
    assert made.encoder.architecture["in_channels"] == 1


def test_narrow_convolutions_are_not_laid_out_channels_last_on_the_cpu() -> None:
    # Their backward pass corrupts memory there: a run of any length may crash, here or in whatever comes after.
    narrow, wide = (build_encoder({"name": "resnet", "depth": 18, "width": width}) for width in (7, 8))
    assert memory_layout(narrow, torch.device("cpu")) is torch.contiguous_format
    assert memory_layout(wide, torch.device("cpu")) is torch.channels_last
    assert memory_layout(narrow, torch.device("cuda")) is torch.channels_last


@pytest.mark.slow
def test_many_steps_of_a_narrow_network_leave_memory_alone(tmp_path: Path) -> None:
    code = (
        "import torch; torch.set_num_threads(1)\n"
        "from bounds.examples.digits import digits; from bounds.pretraining import pretrain\n"
        "encoder = {'name': 'resnet', 'depth': 18, 'stem': 'cifar', 'width': 2}\n"
        f"pretrain('vicreg', digits().pretrain[0][:48], out={str(tmp_path)!r}, encoder=encoder, epochs=40, "
        "batch_size=16, projector=(16, 8), probe_every=40, keep_every=0, progress=False, device='cpu')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-500:]


def test_seeds_make_runs(tmp_path: Path) -> None:
    a, b, c = (run(tmp_path / str(i), epochs=1, seed=seed) for i, seed in enumerate((0, 0, 1)))
    assert same_weights(a.encoder, b.encoder)
    assert not same_weights(a.encoder, c.encoder)


def test_checkpoints_say_how_they_were_made(tmp_path: Path) -> None:
    done = run(tmp_path, NTXent(0.2), seed=3)
    assert [path.name for path in done.trajectory] == [f"epoch_{k:04d}.safetensors" for k in range(4)]
    encoder = load_encoder(done.path)
    meta = encoder.provenance["metadata"]
    assert meta["objective"] == "NTXent(temperature=0.2)"
    assert (meta["epoch"], meta["seed"]) == ("3", "3")
    assert meta["data_sha256"] == Images.load(IMAGES).digest
    assert encoder.preprocessing == Images.load(IMAGES).statistics()
    assert not list(tmp_path.rglob("*.part"))


def test_the_log_has_losses_entropies_and_the_probe(tmp_path: Path) -> None:
    row = run(tmp_path, epochs=2).history[-1]
    assert set(row["parts"]) == {"invariance", "variance", "covariance"}
    assert row["loss"] == pytest.approx(sum(row["parts"].values()))
    for name in ("representation", "embedding"):
        assert {f"{name}_entropy", f"{name}_entropy_unit", f"{name}_entropy_pairwise"} <= set(row)
    for name in ("rank_me", "alpha_req", "lidar", "alignment"):
        assert math.isfinite(row[f"representation_{name}"])
    assert 0 <= row["probe"] <= 1
    assert "probe" not in run(tmp_path / "unlabeled", epochs=1, data=IMAGES).history[-1]


class Exploding(Objective):
    """Finite for two epochs of three steps, then NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def terms(self, z1: Tensor, z2: Tensor, target1: Tensor, target2: Tensor) -> dict[str, Tensor]:
        self.calls += 1
        return {"loss": z1.square().mean() * (float("nan") if self.calls > 6 else 1e-3)}


def test_nan_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingCollapsed, match=r"epoch 3: the loss is not finite.*encoder\.safetensors"):
        run(tmp_path, Exploding(), epochs=5)
    encoder = load_encoder(tmp_path / "encoder.safetensors")
    assert encoder.provenance["metadata"]["epoch"] == "2"
    assert bool(torch.isfinite(encoder(torch.from_numpy(IMAGES[:, None]))).all())


def test_zero_variance_stops_the_run(tmp_path: Path) -> None:
    constant = VICReg(
        invariance=1.0, variance=0.0, covariance=0.0
    )  # invariance alone: everything goes to one point
    with pytest.raises(TrainingCollapsed, match=r"all the same.*safetensors"):
        run(tmp_path, constant, epochs=30, lr=0.1, collapse_below=0.3, keep_every=0)


def test_spread_is_one_on_the_sphere_and_zero_at_a_point() -> None:
    z = torch.randn(4000, 8, generator=torch.Generator().manual_seed(0))
    assert float(spread(z)) == pytest.approx(1.0, abs=0.01)
    assert float(spread(torch.ones(10, 8))) == pytest.approx(0.0, abs=1e-6)
    assert float(spread(100 * z)) == pytest.approx(float(spread(z)), rel=1e-5)


def test_lars_moves_every_matrix_by_a_fixed_share_of_its_norm() -> None:
    matrix = nn.Parameter(torch.tensor([[3.0, 0.0], [0.0, 4.0]]))
    vector = nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = LARS([matrix, vector], lr=0.1, momentum=0.5, weight_decay=0.2, trust=0.01)
    before = matrix.detach().clone(), vector.detach().clone()
    for step in (1, 2):
        matrix.grad, vector.grad = torch.full((2, 2), 7.0), torch.full((2,), 7.0)
        optimizer.step()
        if step == 1:
            moved = (matrix.detach() - before[0]).norm()
            assert float(moved) == pytest.approx(0.1 * 0.01 * 5.0, rel=1e-3)
    assert torch.allclose(vector.detach(), before[1] - 0.1 * 7.0 * (1 + 1.5))


def test_schedule_rises_linearly_and_falls_to_zero() -> None:
    factors = [cosine_schedule(step, 100, 10) for step in range(100)]
    assert factors[:10] == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert factors[10] == 1.0
    assert factors[55] == pytest.approx(0.5)
    assert all(a >= b for a, b in itertools.pairwise(factors[10:]))
    assert factors[-1] < 1e-3


def test_ridge_probe_reads_off_a_linear_rule_and_is_at_chance_on_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(600, 6, generator=generator) + 1e3
    labels = (z[:, :3] - 1e3).argmax(dim=1)
    assert ridge_probe(z[:400], labels[:400], z[400:], labels[400:], 3) > 0.9
    noise = torch.randint(0, 3, (600,), generator=generator)
    assert ridge_probe(z[:400], noise[:400], z[400:], noise[400:], 3) < 0.5


def test_the_target_network_follows_and_only_then(tmp_path: Path) -> None:
    done = run(tmp_path, BYOL(8, hidden=16), target_momentum=0.5)
    state = torch.load(tmp_path / "state.pt", weights_only=True)["model"]
    online = state["encoder.features.0.weight"]
    slow = state["target.0.features.0.weight"]
    start = load_encoder(done.trajectory[0]).network.features[0].weight
    assert not torch.equal(slow, online)
    assert float((slow - online).norm()) < float((start - online).norm())


def test_partial_labels_train(tmp_path: Path) -> None:
    row = run(tmp_path, "vicreg_partial", labeled_share=0.5, epochs=1).history[0]
    assert row["parts"]["labels"] > 0
    with pytest.raises(InvalidOption, match="uses labels"):
        run(tmp_path / "none", PartiallyLabeledVICReg(10), data=IMAGES)


def test_bad_options_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for options, message in [
        ({"batch_size": 64}, "at most the 48 images"),
        ({"epochs": 0}, "`epochs`"),
        ({"optimizer": "adam"}, "`optimizer`"),
        ({"lr": -1.0}, "`lr`"),
        ({"projector": ()}, "`projector`"),
        ({"momentum": 1.0}, "`momentum`"),
        ({"precision": "float16"}, "`precision`"),
        ({"speed": 3}, "unknown option"),
        ({"encoder": "vgg"}, "`encoder`"),
        ({"objective": "triplet"}, "`objective`"),
    ]:
        with pytest.raises(InvalidOption, match=message):
            run(out, **options)
    with pytest.raises(InvalidData, match="must be images"):
        run(out, data=np.zeros((20, 3), dtype=np.float32))
    assert not out.exists()


def test_the_digits_split_is_disjoint_and_complete() -> None:
    split = digits()
    parts = [split.pretrain, split.labeled, split.unlabeled, split.test]
    assert [len(images) for images, _ in parts] == [500, 500, 500, 297]
    from sklearn.datasets import load_digits

    whole = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    joined = np.concatenate([images for images, _ in parts])
    assert sorted(image.tobytes() for image in joined) == sorted(image.tobytes() for image in whole)


@pytest.mark.parametrize("name", list(CHECKPOINTS))
def test_the_shipped_encoders_were_trained_on_the_first_part_of_the_digits(name: str) -> None:
    encoder = load_encoder(CHECKPOINTS[name])
    split = digits()
    assert encoder.provenance["metadata"]["data_sha256"] == Images.load(split.pretrain[0]).digest
    z, test_z = (encoder(torch.from_numpy(x[:, None])) for x in (split.labeled[0], split.test[0]))
    labels, test_labels = (torch.from_numpy(part[1]) for part in (split.labeled, split.test))
    assert ridge_probe(z, labels, test_z, test_labels, 10) > 0.94
    assert sum(path.stat().st_size for path in CHECKPOINTS.values()) < 1_000_000


def _one_rank(rank: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    run(Path(folder) / "two", encoder=_plain_network(), projector=(8,))
    dist.destroy_process_group()


def _plain_network() -> SmallConvNet:
    """No batch norm: on the CPU its statistics are those of each process's share."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = SmallConvNet(1, 4, 8)
    for index, layer in enumerate(network.features):
        if isinstance(layer, nn.BatchNorm2d):
            network.features[index] = nn.Identity()
    return network


@pytest.mark.slow
def test_two_processes_train_what_one_trains(tmp_path: Path) -> None:
    run_in_processes(_one_rank, (str(tmp_path),), 2)
    run(tmp_path / "one", encoder=_plain_network(), projector=(8,))
    a, b = (torch.load(tmp_path / name / "state.pt", weights_only=True)["model"] for name in ("one", "two"))
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["VICReg", "SimCLR"])
def test_the_cifar10_example_loads_with_its_provenance(method: str) -> None:
    example = cifar10(method)
    assert [len(part[0]) for part in (example.labeled, example.unlabeled, example.test)] == [
        10_000,
        5_000,
        5_000,
    ]
    for part in (example.labeled, example.unlabeled, example.test):
        assert all(np.isfinite(x).all() and x.shape == (len(part[-1]), 64) for x in part[:-1])
        assert set(part[-1]) == set(range(10))
    for key in ("commit", "seed", "device", "versions"):
        assert key in example.provenance["encoder"]["provenance"]
    assert FILE.stat().st_size <= 8_000_000
    tensors = (torch.from_numpy(a) for part in (example.labeled, example.test) for a in part)
    measured = ridge_probe(*tensors, 10)
    assert measured == pytest.approx(
        example.provenance["encoder"]["test_probe"], abs=0.08
    )  # 64 directions of it


def test_another_method_is_refused() -> None:
    with pytest.raises(InvalidOption, match="VICReg"):
        cifar10("MoCo")  # type: ignore[arg-type]
