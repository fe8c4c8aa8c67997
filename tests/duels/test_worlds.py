"""Worlds made to break duels: wrong verdicts stay below δ where the naive rule fails."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import duel_worlds

RESULTS = Path(duel_worlds.__file__).with_name("results") / "duel_worlds.csv"


@pytest.mark.slow
@pytest.mark.parametrize("name", duel_worlds.WORLDS)
def test_wrong_verdicts_are_as_rare_as_promised_and_the_naive_rule_fails(name):
    wrong, naive = duel_worlds.run(name, 200, seed=1)
    assert binom.sf(wrong - 1, 200, duel_worlds.DELTA) > 1e-3
    assert binom.sf(naive - 1, 200, duel_worlds.DELTA) < 1e-3


def test_the_saved_study_says_the_same():
    if not RESULTS.exists():
        pytest.skip("the study was not run")
    rows = pd.read_csv(RESULTS, comment="#")
    assert set(rows["world"]) == set(duel_worlds.WORLDS)
    assert (rows["runs"] >= 2000).all()
    assert (rows["wrong"] <= duel_worlds.DELTA * rows["runs"]).all()
    assert (rows["naive"] > duel_worlds.DELTA * rows["runs"]).all()
