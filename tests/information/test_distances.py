"""Pairwise distances against the dense computation, and the overlap of Gaussians against simulation."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bounds.errors import InvalidData, InvalidOption
from bounds.information import pairwise_distances


def rows(n: int, d: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(n=st.integers(2, 60), block=st.integers(1, 70), bins=st.integers(1, 40))
def test_histogram_equals_the_dense_one_for_any_block(n: int, block: int, bins: int) -> None:
    x = rows(n, 3) + 10
    found = pairwise_distances(x, bins=bins, block=block)
    dense = torch.pdist(x)
    expected = np.histogram(dense.numpy(), bins=found.edges)[0]
    assert found.counts.sum() == n * (n - 1) // 2
    assert np.abs(found.counts - expected).sum() <= 2  # a pair on an edge
    assert found.mean == pytest.approx(float(dense.mean()), rel=1e-9)
    full = torch.cdist(x, x).fill_diagonal_(torch.inf)
    np.testing.assert_allclose(found.nearest, full.amin(dim=1), rtol=1e-9)
    assert found.smallest == pytest.approx(float(dense.min()))


def test_bytes_and_float32_give_the_same_distances() -> None:
    pixels = torch.randint(0, 256, (200, 48), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    from_bytes = pairwise_distances(pixels)
    exact = pairwise_distances(pixels.double())
    assert from_bytes.mean == pytest.approx(exact.mean, rel=1e-6)
    np.testing.assert_allclose(from_bytes.nearest, exact.nearest, rtol=1e-12)


def test_near_duplicates_far_from_the_origin_keep_their_exact_distance() -> None:
    x = (1e3 * torch.ones(50, 8) + rows(50, 8)).float()
    x[7] = x[3]
    x[7, 0] += 2**-10
    found = pairwise_distances(x)
    assert found.nearest[[3, 7]].tolist() == [2**-10, 2**-10]


def test_overlap_of_two_points_is_the_gaussian_error_and_the_radius_test() -> None:
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    found = pairwise_distances(x)
    overlap = found.overlap(1.0)
    generator = torch.Generator().manual_seed(0)
    draws = x[0] + torch.randn(200_000, 2, generator=generator)
    wrong = float(((draws - x[1]).norm(dim=1) < (draws - x[0]).norm(dim=1)).double().mean())
    assert overlap.confused == pytest.approx(wrong, abs=4 * math.sqrt(wrong / 200_000))
    assert overlap.radius == pytest.approx(math.sqrt(2))
    assert overlap.touching == 0.0
    assert found.overlap(2.0).touching == 1.0
    levels = [found.overlap(s).confused for s in (0.1, 0.5, 1.0, 4.0)]
    assert levels == sorted(levels)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InvalidData, match="at least 2 rows"):
        pairwise_distances(rows(1, 3))
    with pytest.raises(InvalidData, match="same"):
        pairwise_distances(torch.ones(5, 3))
    with pytest.raises(InvalidOption, match="bins"):
        pairwise_distances(rows(5, 3), bins=0)
    with pytest.raises(InvalidOption, match="block"):
        pairwise_distances(rows(5, 3), block=5000)
    with pytest.raises(InvalidOption, match="noise"):
        pairwise_distances(rows(5, 3)).overlap(0.0)
    with pytest.raises(InvalidData, match=r"\(N, d\)"):
        pairwise_distances(torch.zeros(5, 3, 2))


@pytest.mark.slow
def test_raw_images_of_seven_data_sets_are_far_apart(image_data: Path, tmp_path: Path) -> None:
    """The paper's non-overlap assumption, through the figure script on 500 images of each set."""
    import pandas as pd

    script = Path(__file__).resolve().parents[2] / "paper_figs" / "pairwise_distances.py"
    command = [sys.executable, script, "--quick", "--data", image_data, "--out", tmp_path]
    subprocess.run(command, check=True)
    summary = pd.read_csv(tmp_path / "pairwise_distances_summary.csv", comment="#")
    assert len(summary) == 7
    assert (summary["smallest_distance"] > 1).all()
    assert (summary["noise_confused_1e-3"] > 0.1).all()
    overlap = pd.read_csv(tmp_path / "pairwise_distances_overlap.csv", comment="#")
    assert overlap[overlap["noise"] < 0.05]["confused"].max() < 1e-6
