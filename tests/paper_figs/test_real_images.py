"""The main job on real images: CIFAR-10 parquet files through ResNet checkpoints and a pretrained encoder."""

import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import bounds
from bounds.cli import app
from bounds.encoders.architectures import resnet18

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))


def subset(source, target, start, count):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.ParquetFile(source).read_row_group(start // 5000)
    parquet.write_table(table.slice(start % 5000, count), target)
    return target


@pytest.fixture
def cifar(image_data, tmp_path):
    def parts(count):
        train = image_data / "cifar10" / "train-00000-of-00002.parquet"
        return (
            subset(train, tmp_path / "labeled.parquet", 0, count),
            subset(train, tmp_path / "unlabeled.parquet", 5000, count),
            subset(
                image_data / "cifar10" / "test-00000-of-00001.parquet",
                tmp_path / "test.parquet",
                0,
                count // 2,
            ),
        )

    return parts


def run_resnet(cifar, tmp_path, count):
    torch.manual_seed(0)
    network = resnet18(stem="cifar", width=16)
    state = {f"module.encoder_q.{name}": weight for name, weight in network.state_dict().items()}
    state["module.encoder_q.fc.weight"] = torch.zeros(128, 128)
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "moco.pth")
    labeled, unlabeled, test = cifar(count)
    result = CliRunner().invoke(
        app,
        [
            *("evaluate", "--checkpoint", str(tmp_path / "moco.pth"), "--labeled", str(labeled)),
            *("--unlabeled", str(unlabeled), "--test", str(test), "--batch-size", "64"),
            *("--labeled-is-fresh", "--unlabeled-is-fresh", "--out", str(tmp_path / "out")),
        ],
    )
    assert result.exit_code == 0, result.output
    return bounds.Report.from_json(tmp_path / "out" / "report.json")


def test_resnet_checkpoint_on_parquet_images_gives_a_report_of_estimates(cifar, tmp_path):
    report = run_resnet(cifar, tmp_path, 120)
    assert (report.quantities["n"], report.quantities["m"], report.quantities["d"]) == (120, 120, 128)
    assert report["vicreg_direct"].assumptions["A1"].status == "violated"
    assert report["vicreg"].terms["invariance"].value > 0
    assert "fc.weight" in str(report.provenance["checkpoint"]) or report.provenance["checkpoint"]


@pytest.mark.slow
def test_five_thousand_labeled_and_unlabeled_images_complete(cifar, tmp_path):
    report = run_resnet(cifar, tmp_path, 5000)
    assert (report.quantities["n"], report.quantities["m"]) == (5000, 5000)
    assert 0.3 < report.test_error < 0.9


@pytest.mark.slow
def test_pretrained_imagenet_encoder_as_a_plain_callable(image_data, cifar):
    imagenet_encoder = pytest.importorskip("imagenet_encoder")
    try:
        encoder = imagenet_encoder.load_efficientnet_lite0(size=64)
    except bounds.errors.MissingDependency as reason:
        pytest.skip(str(reason))
    labeled, unlabeled, test = cifar(300)
    report = bounds.evaluate(
        encoder,
        labeled,
        unlabeled,
        test=test,
        pairs="class",
        labeled_is_fresh=True,
        unlabeled_is_fresh=True,
        class_prior="balanced",
        num_classes=10,
        normalize="l2",
        head=("ridge", 0.01),
        batch_size=50,
    )
    assert report.quantities["d"] == 1280
    assert report["vicreg_direct"].certified
    assert report.test_error < 0.7
    assert report["vicreg_direct"].value > report.measured_for(report["vicreg_direct"])
