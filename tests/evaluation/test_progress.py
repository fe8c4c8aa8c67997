"""The bar of a long evaluation."""

import numpy as np

import bounds


def evaluated(**more):
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    names = ["few_shot", "held_out", "supervised"]
    bounds.evaluate(None, (rng.normal(size=(600, 6)) + np.eye(3, 6)[y], y), bounds=names, **more)


def test_it_names_the_bound_and_the_row(capsys, monkeypatch):
    monkeypatch.setattr("bounds.evaluation.progress._PATIENCE", 0)
    monkeypatch.setattr("bounds.evaluation.progress._EVERY", 0.0)
    evaluated(progress=True)
    shown = capsys.readouterr().err
    assert "row 600 of 600" in shown
    for word in ("held_out", "few_shot", "100%", "<00:00"):
        assert word in shown
    evaluated(progress=False)
    assert capsys.readouterr().err == ""
