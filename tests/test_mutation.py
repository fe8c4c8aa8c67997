"""The script that mutates the proofs still finds what it changes, and says what became of it."""

import ast
import json

import pytest

from tests import mutation
from tests.mutation_changes import ROOT, consistent, files, mutants

FACTS = "bounds/proofs/facts.py"


def test_every_consistent_change_is_still_possible():
    changed = consistent()
    assert len(changed) >= 30
    for mutant, sources in changed:
        for name, text in sources.items():
            assert text != (ROOT / name).read_text(), mutant.before


def test_single_changes_are_many_and_of_one_place():
    assert len(files()) > 20
    found = mutants(ROOT / FACTS)
    assert len(found) > 50
    honest = ast.unparse(ast.parse((ROOT / FACTS).read_text()))
    for mutant, source in found:
        assert ast.unparse(ast.parse(source)) != honest, mutant


def test_functions_are_watched_where_they_start_and_are_otherwise_the_same():
    source = 'def f(x):\n    """One more."""\n    return x + 1\n'
    space = {"__seen__": mutation._SEEN.add}
    mutation._SEEN.clear()
    exec(mutation._compiled("a.py", source), space)
    assert space["f"](1) == 2
    assert space["f"].__doc__ == "One more."
    assert {"a.py:1"} == mutation._SEEN


def test_what_ends_too_late_or_in_an_error_is_told_from_what_returns(monkeypatch):
    def endless():
        mutation._ends_in_time()
        while True:
            pass

    monkeypatch.setattr(mutation, "SECONDS", 0.05)
    works = [("one", lambda: [1, "a"]), ("two", endless), ("three", lambda: None)]
    assert dict(mutation._forked(works, 2)) == {"one": [1, "a"], "two": None, "three": None}


def test_bounds_are_compared_in_direction():
    before = {"a": [1.0, 2.0]}
    assert mutation._moved({"a": [1.0, 2.0]}, before) == "unchanged"
    assert mutation._moved({"a": [0.9, 2.0]}, before) == "fell"
    assert mutation._moved({"a": [0.9, 2.1]}, before) == "fell, rose"
    assert mutation._moved({}, before) == "missing"


def test_an_earlier_run_of_another_tree_is_not_gone_on_with(tmp_path):
    out = tmp_path / "found.json"
    (mutant, _), *_ = mutants(ROOT / FACTS)
    outcome = mutation.Outcome(mutant, "caught", "", "tests/a.py::test_b")
    assert mutation._saved(out, "this") == {}
    mutation._save(out, {"sites": 1, "seed": 0, "of": "this"}, [outcome])
    assert mutation._saved(out, "this") == {mutant: outcome}
    assert mutation._saved(out, "another") == {}


def test_each_saved_change_that_no_test_noticed_says_why_it_is_harmless():
    record, reasons = (
        json.loads((ROOT / "tests/results" / name).read_text())
        for name in ("mutation.json", "mutation_survivors.json")
    )
    survivors = [one for one in record["outcomes"] if one["verdict"] == "survived"]
    assert len(survivors) <= 0.08 * len(record["outcomes"])
    assert not [one for one in survivors if "fell" in one["bounds"]]
    changes = (one["mutant"] for one in survivors)
    assert {f"{one['file']}:{one['line']}: {one['before']} -> {one['after']}" for one in changes} == set(
        reasons
    )


@pytest.mark.parametrize(("most", "code"), [(0, 1), (1, 0)])
def test_more_survivors_than_allowed_fail(monkeypatch, most, code):
    (mutant, _), *_ = mutants(ROOT / FACTS)
    survivor = mutation.Outcome(mutant, "survived", "unchanged")
    assert mutation._failed([survivor], most) == bool(code)
    assert mutation._failed([mutation.Outcome(mutant, "survived", "fell")], most)
