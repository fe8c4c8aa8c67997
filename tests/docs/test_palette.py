"""Pictures of the site get smaller and look the same."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs" / "_ext"))

import palette
from PIL import Image


def test_a_plot_keeps_its_colours_in_less_room(tmp_path):
    pixels = np.full((80, 80, 4), 255, np.uint8)
    pixels[20:40, 10:70, :3] = np.random.default_rng(0).choice([[0, 114, 178], [213, 94, 0]], (20, 60))
    path = tmp_path / "plot.png"
    Image.fromarray(pixels).save(path)
    before = path.stat().st_size
    palette.shrink(tmp_path)
    assert path.stat().st_size < before
    assert np.array_equal(np.asarray(Image.open(path).convert("RGB")), pixels[..., :3])
