"""Limits of few-shot errors and of heads that pick, in the saved study's worlds: 200 samples each."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import few_shot

from bounds.summaries.limits import clopper_pearson_lower

pytestmark = pytest.mark.usefixtures("one_thread")


def promised(row):
    """Whether a limit may be below the truth as often as 5 %: by a test of level 1e-3."""
    return clopper_pearson_lower(row["below_the_truth"], row["runs"], 1e-3) <= few_shot.DELTA


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", few_shot.EPISODES, ids=[few_shot.few_shot_world(*case) for case in few_shot.EPISODES]
)
def test_the_certified_limit_holds_where_the_usual_interval_misses(case):
    certified, usual = few_shot.few_shot_runs(*case, runs=200, episodes=50_000)
    assert promised(certified)
    assert not promised(usual)
    assert certified["mean_truth"] < certified["mean_limit"] < 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", few_shot.PICKS, ids=[few_shot.pick_world(*case[:2]) for case in few_shot.PICKS]
)
def test_the_limit_of_the_picked_head_holds(case):
    (row,) = few_shot.pick_runs(*case, runs=200)
    assert promised(row)
    assert row["mean_truth"] < row["mean_limit"] < 0.8


def test_the_study_goes_on_where_it_stopped(tmp_path, monkeypatch):
    done = []
    rows = few_shot._row("w", "few_shot", few_shot.np.zeros(3), few_shot.np.ones(3))

    def run(world, shots, runs):
        done.append((few_shot.few_shot_world(world, shots), runs))
        if len(done) == 2:
            raise KeyboardInterrupt
        return [rows | {"world": done[-1][0], "runs": runs}]

    monkeypatch.setattr(few_shot, "few_shot_runs", run)
    monkeypatch.setattr(few_shot, "EPISODES", few_shot.EPISODES[:2])
    monkeypatch.setattr(few_shot, "PICKS", ())
    with pytest.raises(KeyboardInterrupt):
        few_shot.worlds(3, tmp_path)
    few_shot.worlds(3, tmp_path)
    assert [name for name, _ in done] == ["few points, 1 shots", "few points, 2 shots", "few points, 2 shots"]
    table = pd.read_csv(tmp_path / "few_shot_worlds.csv", comment="#")
    assert list(table.world[table.runs == 3]) == ["few points, 1 shots", "few points, 2 shots"]
    few_shot.worlds(4, tmp_path)
    assert [runs for _, runs in done[3:]] == [4, 4]
