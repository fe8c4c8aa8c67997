"""What version 0.1.0 wrote is still read: checkpoints, stores of representations, reports."""

from pathlib import Path

import pytest

import bounds
from bounds.examples.digits import CHECKPOINTS, digits
from bounds.report import Report
from bounds.representations.store import RepresentationStore

OLD = Path(__file__).parent / "data" / "v0_1_0"


def test_a_saved_report_is_read_and_written_again(tmp_path: Path) -> None:
    report = Report.from_json(OLD / "report.json")
    assert {"test_set", "supervised"} == set(report.bounds)
    assert Report.from_json(_written(report, tmp_path)).to_dict() == report.to_dict()
    assert "test_set" in str(report)


def test_a_stored_folder_is_data_and_gives_the_numbers_of_its_report() -> None:
    saved = Report.from_json(OLD / "report.json")
    assert RepresentationStore.open(OLD / "store" / "labeled").count == 60
    again = bounds.evaluate(
        None, OLD / "store" / "labeled", test=OLD / "store" / "test", bounds=["test_set", "supervised"]
    )
    for name in ("test_set", "supervised"):
        assert again[name].value == pytest.approx(saved[name].value, rel=1e-9)


def test_a_checkpoint_makes_the_stored_representations() -> None:
    data = digits()
    made = bounds.evaluate(
        CHECKPOINTS["VICReg"], (data.labeled[0][:60], data.labeled[1][:60]), bounds=["supervised"]
    )
    saved = Report.from_json(OLD / "report.json")
    assert made["supervised"].value == pytest.approx(saved["supervised"].value, rel=1e-6)


def _written(report: Report, folder: Path) -> Path:
    report.to_json(folder / "report.json")
    return folder / "report.json"
