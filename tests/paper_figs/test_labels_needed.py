"""The studies of labels needed: exact means against simulation, and what the saved tables must show."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import labels_needed
import sequential_sizes
import style

from bounds.duels.signs import log_sign_e_value

RESULTS = style.ROOT / "paper_figs" / "results"


def saved(name):
    return pd.read_csv(RESULTS / f"{name}.csv", comment="#")


def test_the_mean_of_a_duel_is_that_of_simulated_ones():
    plus = np.cumsum(np.random.default_rng(0).random((4000, 400)) < 0.8, axis=1)
    n = np.arange(1, 401)
    found = [log_sign_e_value(plus, n - plus), log_sign_e_value(n - plus, plus)]
    better, worse = ((one >= np.log(2 / 0.05)) for one in found)
    ended = better | worse
    assert ended.any(axis=1).all()
    stops = ended.argmax(axis=1)
    labels = stops + 1
    mean, right = sequential_sizes.mean_signs(0.8)
    assert abs(mean - labels.mean()) < 4 * labels.std() / 4000**0.5
    assert abs(right - better[np.arange(4000), stops].mean()) < 0.002


def test_the_power_of_the_sign_test_is_the_sum_over_numbers_of_signs():
    expected = 0.0
    for n in range(41):
        wins = np.arange(n + 1)
        rejects = binom.sf(wins - 1, n, 0.5) <= 0.025
        expected += binom.pmf(n, 40, 0.6) * binom.pmf(wins, n, 0.75)[rejects].sum()
    assert labels_needed.sign_power(40, 0.6, 0.75) == pytest.approx(expected, rel=1e-7)
    assert labels_needed.first(lambda n: min(1.0, n / 1000)) == 800


def test_a_duel_costs_at_most_1_3_and_a_certificate_at_most_1_5_of_the_fixed_size():
    rows = saved("sequential_sizes")
    duels = rows[rows["what"] == "duel"]
    assert set(duels["value"]) == set(sequential_sizes.SIGNS)
    assert (duels["ratio"] <= 1.3).all()
    others = rows[rows["what"] != "duel"]
    assert len(others) == len(sequential_sizes.TARGETS) * len(sequential_sizes.PARTS)
    assert (others["ratio"] <= 1.5).all()
    one = others[(others["what"] == "certify, target 0.2") & (others["value"] == 0.2)].iloc[0]
    assert one["mean"] == pytest.approx(sequential_sizes.mean_labels(0.04, 0.2)[0], rel=1e-9)


def test_on_real_images_each_method_needs_fewer_labels_than_the_one_before():
    rows = saved("labels_needed")
    assert len(rows) >= 4
    assert {"ImageNet", "VICReg", "SimCLR", "BYOL"} <= set(rows["a"]) | set(rows["b"])
    assert (rows["separate"] > 2 * rows["paired"]).all()
    assert (rows["paired"] > 1.5 * rows["disagreements"]).all()
    assert (rows["sequential"] < rows["paired"]).all()
    last = rows.iloc[-1]
    mean, _ = sequential_sizes.mean_signs(last["q"])
    share = (last["plus"] + last["minus"]) / last["differ"]
    assert last["sequential"] == pytest.approx(mean / share, rel=1e-9)


@pytest.mark.slow
def test_the_quick_figure(tmp_path):
    labels_needed.main(["--quick", "--out", str(tmp_path)])
    assert (tmp_path / "labels_needed.png").exists()
    assert len(pd.read_csv(tmp_path / "labels_needed.csv", comment="#")) >= 2
