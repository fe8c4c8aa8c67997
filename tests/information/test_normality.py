"""The vectorised K^2 test against scipy, the corrections against definitions, and the check on encoders."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bounds.errors import InvalidData, InvalidOption
from bounds.information import adjust, normality_test, normality_under_noise, pixel_function


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("n", [20, 57, 512])
def test_statistic_and_p_value_equal_scipy(n: int) -> None:
    import scipy.stats

    x = torch.cat([rows(n, 5), rows(n, 3, 1).exp(), rows(n, 2, 2).tanh(), 1e4 + rows(n, 2, 3)], dim=1)
    twin = scipy.stats.normaltest(x.numpy(), axis=0)
    found = normality_test(x)
    np.testing.assert_allclose(found.statistic, twin.statistic, rtol=1e-8)
    np.testing.assert_allclose(found.p_value, twin.pvalue, rtol=1e-8, atol=1e-300)
    batch = normality_test(torch.stack([x, x.flip(1)]))
    torch.testing.assert_close(batch.statistic[1].flip(0), found.statistic)


def test_p_values_of_gaussian_data_are_uniform_and_float32_suffices() -> None:
    import scipy.stats

    p = normality_test(rows(512, 2000)).p_value
    assert scipy.stats.kstest(p.numpy(), "uniform").pvalue > 1e-4
    single = normality_test(rows(512, 2000).float()).p_value
    torch.testing.assert_close(single, p, rtol=1e-3, atol=1e-5)


def test_constant_columns_are_reported_not_nan() -> None:
    x = rows(100, 4)
    x[:, 1] = 0.0
    x[:, 3] = 5.0
    found = normality_test(x)
    assert found.constant.tolist() == [False, True, False, True]
    assert found.p_value[found.constant].tolist() == [1.0, 1.0]
    assert bool(torch.isfinite(found.statistic).all())
    rounding = normality_test(torch.full((100, 1), 0.1) * (1 + 1e-8 * rows(100, 1)))
    assert bool(rounding.constant.all())


def test_too_few_samples_and_nan_are_refused() -> None:
    with pytest.raises(InvalidData, match="n >= 20"):
        normality_test(rows(19, 2))
    with pytest.raises(InvalidData, match="NaN"):
        normality_test(rows(30, 2) * math.nan)


# Multiple testing


def holm_by_definition(p: list[float]) -> list[float]:
    m = len(p)
    order = sorted(range(m), key=p.__getitem__)
    result, running = [0.0] * m, 0.0
    for position, index in enumerate(order):
        running = max(running, min(1.0, (m - position) * p[index]))
        result[index] = running
    return result


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_corrections_equal_their_definitions(p: list[float]) -> None:
    import scipy.stats

    t = torch.tensor(p, dtype=torch.float64)
    assert adjust(t).tolist() == pytest.approx(holm_by_definition(p))
    expected = scipy.stats.false_discovery_control(p)
    assert adjust(t, "benjamini-hochberg").tolist() == pytest.approx(list(expected), abs=1e-12)
    assert bool((adjust(t, "benjamini-hochberg") <= adjust(t) + 1e-12).all())


def test_untested_hypotheses_do_not_count() -> None:
    p = torch.tensor([0.01, 1.0, 0.04, 0.0], dtype=torch.float64)
    tested = torch.tensor([True, False, True, False])
    assert adjust(p, tested=tested).tolist() == pytest.approx([0.02, 1.0, 0.04, 1.0])
    assert adjust(p, "benjamini-hochberg", tested).tolist() == pytest.approx([0.02, 1.0, 0.04, 1.0])
    rows_of_two = adjust(torch.tensor([[0.01, 0.5], [0.5, 0.01]]))
    assert rows_of_two.tolist()[0] == pytest.approx(rows_of_two.tolist()[1][::-1])


def test_correction_options_are_checked() -> None:
    with pytest.raises(InvalidOption, match="correction"):
        adjust(torch.tensor([0.5]), "bonferroni")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match=r"\[0, 1\]"):
        adjust(torch.tensor([1.5]))


# Encoders


def encoder() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 10), nn.ReLU())
    with torch.no_grad():
        net[3].bias[0] = -100.0  # a dead unit
    return net.double().eval()


IMAGES = torch.randn(6, 3, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_p_values_fall_as_noise_leaves_the_region_and_dead_units_are_counted() -> None:
    table = normality_under_noise(encoder(), IMAGES, [1e-4, 0.1, 1.0, 5.0])
    summary = table.summary()
    assert summary["noise"].tolist() == [1e-4, 0.1, 1.0, 5.0]
    # At 1e-4 nearly every image sits inside one region; one unit near its kink may be rejected.
    assert summary["rejected"].iloc[0] < 0.15
    assert summary["rejected"].iloc[-1] > 0.8
    assert summary["median_p"].is_monotonic_decreasing
    assert all(row.constant >= 1 and row.tested + row.constant == 10 for row in table.rows)


def test_a_linear_map_is_gaussian_at_every_level_and_the_corrected_error_is_controlled() -> None:
    torch.manual_seed(3)
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 40)).double().eval()
    images = torch.randn(60, 3, 2, 2, dtype=torch.float64)
    table = normality_under_noise(net, images, [1e-3, 10.0])
    rejected = sum(row.rejected_image for row in table.rows)
    assert rejected <= 2
    share = float(np.mean([row.rejected for row in table.rows]))
    assert 0.01 < share < 0.1
    scales = np.array([[row.pooled_p for row in table.rows if row.noise == s] for s in (1e-3, 10.0)])
    np.testing.assert_allclose(scales[0], scales[1], rtol=1e-3)  # the same draws at every level


def test_a_dead_encoder_gives_one_not_nan() -> None:
    table = normality_under_noise(lambda x: torch.zeros(len(x), 3), IMAGES[:2], [0.1])
    assert [(row.tested, row.constant, row.median_p, row.rejected_image) for row in table.rows] == [
        (0, 3, 1.0, False)
    ] * 2


def test_encoder_check_refuses_bad_options() -> None:
    with pytest.raises(InvalidOption, match="training mode"):
        normality_under_noise(encoder().train(), IMAGES, [0.1])
    with pytest.raises(InvalidOption, match="levels"):
        normality_under_noise(encoder(), IMAGES, [0.0])
    with pytest.raises(InvalidOption, match="levels"):
        normality_under_noise(encoder(), IMAGES, [])
    with pytest.raises(InvalidData, match="20 samples"):
        normality_under_noise(encoder(), IMAGES, [0.1], samples=8)


@pytest.mark.parametrize("method", ["VICReg", "SimCLR"])
def test_trained_encoders_are_gaussian_at_small_noise_and_not_at_large(method: str) -> None:
    """The paper's finding, on the encoders that the package carries and digits that they never saw."""
    from bounds.encoders.checkpoints import load_encoder
    from bounds.examples.digits import CHECKPOINTS, digits

    encoder = load_encoder(CHECKPOINTS[method])
    images = torch.from_numpy(digits().test[0][:6, None])
    prepare, function = pixel_function(encoder)
    torch.testing.assert_close(function(prepare(images)), encoder(images))
    small, middle, large = (
        normality_under_noise(function, prepare(images), [1e-3, 0.03, 0.3]).summary().itertuples()
    )
    assert 0.4 < small.median_p < 0.6
    assert small.rejected < 0.12
    assert small.median_p > middle.median_p > large.median_p
    assert large.rejected > 0.5


def test_pixel_function_needs_a_loaded_encoder() -> None:
    with pytest.raises(InvalidOption, match="load_encoder"):
        pixel_function(torch.nn.Identity())


@pytest.mark.slow
def test_the_figure_script_writes_numbers_with_their_origin(tmp_path: Path) -> None:
    import pandas as pd

    script = Path(__file__).resolve().parents[2] / "paper_figs" / "normality.py"
    subprocess.run([sys.executable, script, "--quick", "--images", "2", "--out", tmp_path], check=True)
    text = (tmp_path / "normality.csv").read_text()
    assert text.startswith("# script: normality.py")
    assert "sha256" in text
    table = pd.read_csv(tmp_path / "normality.csv", comment="#")
    assert set(table["encoder"]) == {"VICReg, digits ConvNet", "SimCLR, digits ConvNet"}
    assert table["median_p"].between(0, 1).all()
    assert {p.suffix for p in tmp_path.iterdir()} == {".csv", ".pdf", ".png"}
