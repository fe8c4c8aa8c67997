"""The long study of all bounds: a run that was stopped goes on, and another code begins anew."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import coverage_study
import style

from bounds.worlds import WORLDS

NAMES = ("gaussian", "discrete", "repeated")


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(coverage_study, "WORLDS", {name: WORLDS[name] for name in NAMES})
    real, ran = coverage_study.coverages, []

    def some(bounds, worlds, *rest, **options):
        for world in worlds:
            ran.append(world.name)
            yield from real(["test_set"], [world], *rest, **options)

    monkeypatch.setattr(coverage_study, "coverages", some)
    return ran


def run(out, trials=3):
    coverage_study.main(["--out", str(out), "--trials", str(trials), "--workers", "1"])
    return pd.read_csv(out / "coverage.csv", comment="#")


def test_a_stopped_study_goes_on_with_the_world_it_was_in(few, tmp_path, monkeypatch):
    whole = run(tmp_path / "whole")
    assert few == list(NAMES)
    assert set(whole["world"]) == set(NAMES)
    few.clear()
    write, written = style.write_csv, []

    def stopped(*given):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(write(*given))
        return written[-1]

    (tmp_path / "apart").mkdir()
    monkeypatch.setattr(style, "write_csv", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "apart")
    assert not (tmp_path / "apart" / "coverage.csv").exists()
    monkeypatch.setattr(style, "write_csv", write)
    few.clear()
    pd.testing.assert_frame_equal(run(tmp_path / "apart"), whole)
    assert few == [NAMES[-1]]
    assert sorted(path.name for path in (tmp_path / "apart").iterdir()) == ["coverage.csv", "coverage.json"]


def test_worlds_of_another_code_are_not_kept(few, tmp_path):
    rows = run(tmp_path)
    origin = style.provenance(**{"trials": 3})
    path = style.write_csv(rows, "coverage.unfinished", tmp_path, origin)
    assert coverage_study.unfinished(path, origin) is not None
    for key in ("commit", "settings", "versions"):
        assert coverage_study.unfinished(path, origin | {key: "other"}) is None
