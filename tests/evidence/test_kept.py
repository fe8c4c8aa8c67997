"""A run that was killed while bounds were evaluated goes on from what it kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bounds
from bounds.evidence import kept
from bounds.evidence.kept import Kept
from bounds.heads.least_squares import LeastSquares

NAMES = ["few_shot", "pick_to_learn", "rrm", "held_out", "luthra_2026", "centred_head", "supervised"]
SCRIPT = """
import os, signal, sys
import numpy as np
import bounds
import bounds.evaluation.theorems as evaluated
from bounds.evidence import kept

kept.SLOW = 0.0
before = evaluated.followed

def killed(theorems, shown):
    for theorem in before(theorems, shown):
        if theorem.name == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)
        yield theorem

evaluated.followed = killed
x, y = np.load("x.npy"), np.load("y.npy")
names = sys.argv[3].split(",")
bounds.evaluate(None, (x, y), bounds=names, save_representations=sys.argv[1], fresh=True, progress=False)
"""


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    return rng.normal(size=(600, 6)) + 1.5 * np.eye(3, 6)[y], y


def evaluated(data, **more):
    return bounds.evaluate(None, data, **{"bounds": NAMES, "fresh": True, "progress": False} | more)


def numbers(report):
    plain = json.loads(report.to_json())
    return [plain[key] for key in ("bounds", "not_applicable", "quantities", "measured")]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_run_goes_on(data, tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", data[0])
    np.save(tmp_path / "y.npy", data[1])
    environment = os.environ | {"PYTHONPATH": str(Path(bounds.__file__).parents[1])}
    run = [sys.executable, "-c", SCRIPT, str(tmp_path / "out"), "supervised", ",".join(NAMES)]
    ran = subprocess.run(run, cwd=tmp_path, env=environment, check=False)
    assert ran.returncode == -signal.SIGKILL
    (folder,) = (tmp_path / "out").glob("unfinished-*")
    assert len(list(folder.iterdir())) >= 4
    wanted = numbers(evaluated(data, save_representations=tmp_path / "other"))

    def forbidden(*_):
        raise AssertionError("the factorisation was kept")

    with monkeypatch.context() as patch:
        patch.setattr(LeastSquares, "update", forbidden)
        patch.setattr("bounds.theorems.supervised.pick_to_learn.pick", forbidden)
        patch.setattr("bounds.theorems.few_shot.few_shot.episode_errors", forbidden)
        patch.setattr("bounds.evidence.noisy_fits._fit", forbidden)
        assert numbers(evaluated(data, save_representations=tmp_path / "out")) == wanted
    assert not list((tmp_path / "out").glob("unfinished-*"))


def test_other_data_options_or_a_damaged_file_are_not_read(data, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "SLOW", 0.0)
    monkeypatch.setattr(Kept, "finished", lambda self: None)
    first = evaluated(data, save_representations=tmp_path / "a")
    (folder,) = (tmp_path / "a").glob("unfinished-*")
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:50])
    assert numbers(evaluated(data, save_representations=tmp_path / "a")) == numbers(first)
    evaluated(data, save_representations=tmp_path / "a", seed=1)
    evaluated(data, save_representations=tmp_path / "b", name="another title")
    assert len(list((tmp_path / "a").glob("unfinished-*"))) == 2
    assert next((tmp_path / "b").glob("unfinished-*")).name == folder.name
    (x, y) = data
    changed = x.copy()
    changed[0, 0] += 1
    evaluated((changed, y), save_representations=tmp_path / "c")
    assert next((tmp_path / "c").glob("unfinished-*")).name != folder.name
