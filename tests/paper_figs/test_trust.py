"""Sections of the trust page say what the saved records say, and nothing where there is no record."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))

import pages
import trust

SECTIONS = (trust.fuzzed_reports, trust.killed_processes, trust.mutated_proofs, trust.mutated_numerics)


def saved(folder, name, record):
    (folder / name).write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize("section", SECTIONS)
def test_no_record_no_section(tmp_path, section):
    assert section(tmp_path) == ""


def test_an_empty_section_can_be_filled_later(monkeypatch):
    page = "<!-- made by killed_processes of paper_figs/pages.py -->\n\n\n\n<!-- end -->"
    monkeypatch.setitem(pages.TABLES, "killed_processes", lambda: "")
    assert pages.filled(page) == page
    monkeypatch.setitem(pages.TABLES, "killed_processes", lambda: "now\n\nthere")
    full = pages.filled(page)
    assert full == page.replace("\n\n\n\n", "\n\nnow\n\nthere\n\n")
    assert pages.filled(full) == full


def test_fuzzed_reports(tmp_path):
    row = {"certified": 1200, "below_truth": 0, "closest": 0.5}
    record = {
        "worlds": 1500,
        "refused": {"InvalidData": 3, "TooFewLabels": 1},
        "bounds": {"test_set": {"delta=1e-07": row, "delta=0.2": row | {"below_truth": 7, "closest": 1.25}},
                   "best": {"delta=0.2": row | {"certified": 5}}},
        "bugs": [], "bounds_version": "0.1.0", "torch": "2.13.0",
    }  # fmt: skip
    text = trust.fuzzed_reports(saved(tmp_path, "fuzz_reports.json", record))
    assert "1,500 random populations" in text
    assert "At δ = 1e-07, 0 of 1,200 certified bounds were below it. At δ = 0.2, 7 of 1,205" in text
    assert "| `test_set` | 1,200 | 0 | 0.500 | 1,200 | 7 | 1.250 |" in text
    assert "| `best` | 0 | – | – | 5 | 0 | 0.500 |" in text
    assert "4 worlds were refused (3 InvalidData, 1 TooFewLabels)" in text
    assert "Faults: none." in text
    record["bugs"] = ["world 7: `test_set` says 0.1 | truth 0.2"]
    assert "**Faults: 1:** world 7" in trust.fuzzed_reports(saved(tmp_path, "fuzz_reports.json", record))


def test_killed_processes(tmp_path):
    job = {"full disk": 3, "kills": 19, "no place to write": 1, "two at once": 1, "kill": 13}
    record = {"kills": 19, "jobs": {"evaluate": job}, "faults": [], "bounds_version": "0.1.0"}
    text = trust.killed_processes(saved(tmp_path, "kills.json", record))
    assert "19 kills at random moments in 18 trials" in text
    assert "| evaluate | 13 | 19 | 3 | 1 | 1 |" in text


def mutant(verdict, bounds, kind="constant", before="2"):
    edit = {"file": "bounds/proofs/a.py", "line": 4, "kind": kind, "before": before, "after": "3"}
    return {"mutant": edit, "verdict": verdict, "bounds": bounds, "by": ""}


def test_mutated_proofs(tmp_path):
    outcomes = [
        mutant("caught", "fell"),
        mutant("refused", "unchanged", "sign"),
        mutant("survived", "unchanged", before="a | b\n  c"),
        mutant("survived", "rose"),
    ]
    record = {"sites": 1234, "seed": 0, "counts": {}, "outcomes": outcomes}
    text = trust.mutated_proofs(saved(tmp_path, "mutation.json", record))
    assert "4 changes of the 1,234" in text
    assert "no test noticed 50.0%. None of those made a bound smaller" in text
    assert "| constant | 1 | 0 | 2 |\n| sign | 0 | 1 | 0 |\n| all | 1 | 1 | 2 |" in text
    assert "| `proofs/a.py:4` | `a \\| b c` to `3` | no bound changes |" in text
    assert "| `proofs/a.py:4` | `2` to `3` | bounds only rise: weaker, still true |" in text
    saved(tmp_path, "mutation_survivors.json", {"bounds/proofs/a.py:4: 2 -> 3": "any number would do"})
    assert "| `proofs/a.py:4` | `2` to `3` | any number would do |" in trust.mutated_proofs(tmp_path)
    record["outcomes"] = [mutant("survived", "fell, rose")]
    text = trust.mutated_proofs(saved(tmp_path, "mutation.json", record))
    assert "no test noticed 100.0%. 1 of those made a bound smaller" in text
    assert "| **a bound falls** |" in text


def test_mutated_numerics(tmp_path):
    one = {"what": "a bisection stopped early", "file": "bounds/summaries/limits.py", "noticed_by": "tests/x"}
    record = {"outcomes": [one, one | {"what": "a tail cut", "noticed_by": ""}]}
    text = trust.mutated_numerics(saved(tmp_path, "mutation_numerics.json", record))
    assert "1 of 2 changes" in text
    assert "| `bounds/summaries/limits.py` | 2 | 1 | a tail cut |" in text


def test_readme_and_trust_page_count_the_same_bounds():
    short, table = trust.in_short(), trust.coverage_of_bounds()
    assert short.split(" theorems in ")[0].split()[-1] == table.split(" bounds in ")[0].split()[-1]
