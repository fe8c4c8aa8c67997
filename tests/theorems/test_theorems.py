"""Theorems are found by where their files lie."""

import importlib
from pathlib import Path

import bounds.theorems
from bounds.theorems import ON_REQUEST, THEOREMS, Theorem, counting


def test_every_theorem_of_a_file_is_registered_once():
    files = sorted(Path(bounds.theorems.__file__).parent.glob("*/*.py"))
    modules = [importlib.import_module(f"bounds.theorems.{path.parent.name}.{path.stem}") for path in files]
    found = {id(one): one for module in modules for one in vars(module).values() if isinstance(one, Theorem)}
    assert len(found) > 45
    assert sorted(one.name for one in found.values()) == sorted((*THEOREMS, *ON_REQUEST))


def test_a_new_file_in_a_familys_folder_is_all_it_takes(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from bounds.theorems.bound import Theorem\n"
        'MINE = Theorem("mine", title="a", source="b", statement="c", predictor="d", kind="estimate")\n'
    )
    monkeypatch.setattr(counting, "__path__", [*counting.__path__, str(tmp_path)])
    assert "mine" in [theorem.name for theorem in bounds.theorems._theorems()]
