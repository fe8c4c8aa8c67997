"""Sweeps: sizes of the sub-samples, the paper's comparison made visible, bad input, the figure."""

import math

import numpy as np
import pytest
import torch

from bounds.errors import InvalidData, InvalidOption
from bounds.evidence.setting import Setting
from bounds.representations.normalization import Normalization
from bounds.representations.table import Representations
from bounds.sweeps import plot_sweep, sweep
from tests.evidence_small import evidence_of

CLASSES = 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    means = rng.normal(size=(CLASSES, 16))

    def draw(y):
        return (means[y] + 0.3 * rng.normal(size=(len(y), 16))).astype(np.float32)

    y, pair_labels = rng.integers(CLASSES, size=1500), rng.integers(CLASSES, size=1500)
    return (draw(y), y), (draw(pair_labels), draw(pair_labels), pair_labels)


def test_one_row_per_bound_size_and_repeat(data):
    frame = sweep(*data, n=[100, 300], m=[50, 80, 200], repeats=2, bounds=["vicreg_direct", "simclr"])
    assert len(frame) == 2 * 3 * 2 * 2
    assert sorted(frame.n.unique()) == [100, 300]
    assert sorted(frame.m.unique()) == [50, 80, 200]
    assert set(frame.K) == {CLASSES}
    assert set(frame.repeat) == {0, 1}
    assert np.allclose(frame.ratio, frame.value / frame.trivial_value)
    assert (frame.vacuous == (frame.ratio >= 1)).all()


def test_a_full_sweep_is_the_bound_on_all_the_data(data):
    from bounds.theorems import THEOREMS

    (x, y), (first, second, labels) = data
    frame = sweep(*data, repeats=1, bounds=["simclr"])
    expected = THEOREMS["simclr"].evaluate(evidence_of((first, second, labels), (x, y)), 0.05)
    assert frame.value[0] == pytest.approx(expected.value, rel=1e-9)


def test_the_same_seed_gives_the_same_frame_and_another_another(data):
    import pandas as pd

    arguments = {"n": [60], "m": [60], "repeats": 2, "bounds": ["vicreg_direct"]}
    pd.testing.assert_frame_equal(sweep(*data, **arguments), sweep(*data, **arguments))
    assert sweep(*data, seed=1, **arguments).value[0] != sweep(*data, **arguments).value[0]


def test_simclr_does_not_contain_n_and_vicreg_falls_with_it(data):
    frame = sweep(*data, n=[100, 400, 1500], repeats=1, bounds=["vicreg_direct", "simclr"])
    values = frame.pivot_table(index="n", columns="bound", values="value")
    assert values.simclr.nunique() == 1
    assert values.vicreg_direct.is_monotonic_decreasing


def test_both_fall_with_m(data):
    frame = sweep(*data, m=[60, 300, 1500], repeats=1, bounds=["vicreg_direct", "simclr"])
    values = frame.pivot_table(index="m", columns="bound", values="value")
    assert values.simclr.is_monotonic_decreasing
    assert values.vicreg_direct.is_monotonic_decreasing


def test_simclr_closes_as_classes_are_added_and_vicreg_does_not_need_them(data):
    frame = sweep(*data, K=[2, 4, 12], repeats=4, bounds=["vicreg_direct", "simclr"])
    assert frame.groupby("repeat").n.nunique().max() == 1
    assert frame.groupby("repeat").m.nunique().max() == 1
    values = frame.groupby(["K", "bound"]).value.mean().unstack()
    assert values.simclr[12] < values.simclr[2]
    assert values.vicreg_direct[12] > values.vicreg_direct[2]


def test_classes_are_renumbered_and_the_prior_renormalised(data):
    weights = np.arange(1, CLASSES + 1) / sum(range(1, CLASSES + 1))
    setting = Setting(CLASSES, 1.0, 2.0, {}, prior=torch.from_numpy(weights))
    frame = sweep(*data, K=[3], repeats=1, bounds=["simclr"], setting=setting)
    assert set(frame.K) == {3}
    assert math.isfinite(frame.error_rate[0])


def test_a_setting_carries_its_options_and_tables_their_normalisation(data):
    (x, y), (first, second, labels) = data
    clip = Normalization("clip", 2.0)
    tables = clip.apply(Representations((x,), y)), clip.apply(Representations((first, second), labels))
    setting = Setting(CLASSES, 2.0, 4.0, {}, options={"contrastive_scales": [0.5]})
    frame = sweep(*tables, m=[200], repeats=1, bounds=["simclr"], setting=setting)
    assert frame.trivial_value[0] == 1.0


def test_what_does_not_apply_is_listed_with_the_reason(data):
    labeled, (first, second, _) = data
    frame = sweep(labeled, (first, second), n=[100], m=[100], repeats=1, bounds=["vicreg", "simclr"])
    refused = frame[frame.bound == "vicreg"].iloc[0]
    assert np.isnan(refused.value)
    assert "labels of the pairs" in refused.reason
    assert frame[frame.bound == "simclr"].iloc[0].reason == ""


def test_bad_input_is_refused(data):
    labeled, pairs = data
    with pytest.raises(InvalidOption, match="`n` = 5000"):
        sweep(labeled, pairs, n=[5000])
    with pytest.raises(InvalidOption, match="`m` must be an integer"):
        sweep(labeled, pairs, m=[0])
    with pytest.raises(InvalidOption, match="`K`"):
        sweep(labeled, pairs, K=[1, 3])
    with pytest.raises(InvalidOption, match="`K`"):
        sweep(labeled, pairs, K=[13])
    with pytest.raises(InvalidOption, match="repeats"):
        sweep(labeled, pairs, repeats=0)
    with pytest.raises(InvalidOption, match="unknown bounds"):
        sweep(labeled, pairs, bounds=["nothing"])
    with pytest.raises(InvalidData, match="needs labels"):
        sweep((labeled[0],), pairs)
    with pytest.raises(InvalidData, match="two views"):
        sweep(labeled, (pairs[0], pairs[2]))
    with pytest.raises(InvalidData, match="labels of the pairs"):
        sweep(labeled, pairs[:2], K=[3])


def test_the_figure_has_a_line_for_each_bound_and_one_for_vacuity(data, tmp_path):
    frame = sweep(*data, m=[60, 200], repeats=2, bounds=["vicreg_direct", "simclr"])
    axes = plot_sweep(frame, "m")
    assert [line.get_label() for line in axes.get_lines()] == [
        "vicreg_direct",
        "simclr",
        "constant predictor",
    ]
    assert axes.get_xlabel() == "pairs m"
    axes.figure.savefig(tmp_path / "sweep.png")
    assert len(plot_sweep(frame, "m", "value").get_lines()) == 2
    with pytest.raises(InvalidOption, match="x"):
        plot_sweep(frame, "d")
