"""The atlas is made from what is registered: no theorem, assumption or figure has to be listed a second time."""

import dataclasses
import sys
from pathlib import Path

import pytest

import bounds
from bounds.assumptions.assumption import TITLES
from bounds.examples.cifar10 import cifar10
from bounds.report.mathml import formula
from bounds.theorems import THEOREMS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import atlas
import curves
import written


@pytest.fixture(scope="module")
def studies():
    """The saved studies beside a small report."""
    found = atlas.Studies(ROOT / "paper_figs" / "results")
    data = cifar10("VICReg")
    found.__dict__["report"] = bounds.evaluate(
        None,
        tuple(part[:500] for part in data.labeled),
        test=tuple(part[:500] for part in data.test),
        fresh=True,
        class_prior="balanced",
        bounds=["test_set", "held_out", "supervised"],
        progress=False,
    )
    return found


@pytest.fixture
def registered():
    theorem = dataclasses.replace(THEOREMS["test_set"], name="new_2026", source="Somebody (2026), Thm 1")
    bounds.register(theorem)
    yield theorem
    del THEOREMS[theorem.name]


def test_a_registered_theorem_has_its_page_and_its_places(registered, studies):
    page = atlas.theorem_page(registered, bounds.derive("new_2026"), studies, drawn=False)
    for part in ("Assumptions", "Proof", "History and source", "How it scales", "Coverage", "On real images"):
        assert f"\n## {part}" in page
    assert "Somebody (2026), Thm 1" in page
    assert "(new_2026-step-1)=" in page
    index = atlas.index_page()
    row = next(line for line in index.splitlines() if line.startswith("| 2026 |"))
    assert "theorems/new_2026.md" in row
    assert "theorems/new_2026\n" in index  # the table of contents


def test_every_theorem_stands_in_map_timeline_and_table():
    index = atlas.index_page()
    parts = index.split("\n## ")[1:4]
    for part in parts:
        assert [name for name in THEOREMS if f"(theorems/{name}.md)" not in part] == []


def test_a_page_shows_value_coverage_and_proof_of_its_theorem(studies):
    theorem, bound = THEOREMS["test_set"], studies.report["test_set"]
    page = atlas.theorem_page(theorem, bounds.derive("test_set"), studies, drawn=True)
    assert "every check holds" in page
    assert f"| certified | {'yes' if bound.certified else 'no'} |" in page
    rows = studies.coverage[(studies.coverage["bound"] == "test_set") & (studies.coverage["trials"] > 0)]
    assert page.count(" of 1000 |") == len(rows) > 10
    assert all(f"[{name}](../assumptions/{atlas.slug(name)}.md)" in page for name in theorem.needs)


def test_a_failing_check_is_shown_as_failing(studies):
    derivation = bounds.derive("test_set")
    wrong = dataclasses.replace(
        derivation.steps[0], check=lambda: dataclasses.replace(derivation.steps[0].result, holds=False)
    )
    page = atlas.theorem_page(
        THEOREMS["test_set"], dataclasses.replace(derivation, steps=(wrong,)), studies, drawn=False
    )
    assert "**checks fail" in page
    assert "check **fails**" in page


def test_a_theorem_without_proof_says_so(studies):
    page = atlas.theorem_page(THEOREMS["rrm"], None, studies, drawn=False)
    assert "never certified" in page


def test_every_assumption_is_explained_on_the_page_that_people_read():
    found = atlas.read_refuters((ROOT / "docs" / "explanation" / "certified.md").read_text("utf-8"))
    assert set(found) == set(TITLES) | {"constants"}
    assert {need for theorem in THEOREMS.values() for need in theorem.needs} <= set(found)
    assert all(declared and refuted for declared, refuted in found.values())
    assert "swap_test" in found["A1"][1]


def test_every_test_of_an_assumption_stands_on_a_page(studies):
    shown = {test for tests in atlas.TESTS.values() for test in tests}
    assert shown == set(studies.tests["test"])
    page = atlas.assumption_page("A1", {}, studies)
    assert page.count("| swap test |") == (studies.tests["test"] == "swap test").sum()
    assert "(../theorems/agreement.md)" in page


def test_formulas_of_all_terms_can_be_set():
    derivation = bounds.derive("vicreg_direct")
    for latex in (
        *map(derivation.expression.latex, derivation.expression.terms),
        *(s.latex for s in derivation.steps),
    ):
        assert str(formula(latex)).startswith("<math")
    assert "𝔼" in str(formula(r"\mathbb E\left[x\right]"))


def test_curves_pass_through_the_bound_and_fall_with_its_size(studies):
    bound = studies.report["supervised"]
    panels = {panel.label: panel for panel in curves._panels(bound)}
    expression = curves.expression_of(bound)
    assert set(panels) == {"labels, n", "classes K", "δ"}
    line = dict(curves._line(bound, expression, panels["labels, n"]))
    assert line[bound.symbols["n"]] == pytest.approx(bound.value)
    assert list(line.values()) == sorted(line.values(), reverse=True)
    assert b"<svg" in curves.curves(bound)
    assert curves.curves(None) is None


def test_pages_that_are_no_longer_made_go(tmp_path):
    written.replace(tmp_path, {"a.md": "1", "b.md": "2"})
    before = (tmp_path / "a.md").stat().st_mtime_ns
    written.replace(tmp_path, {"a.md": "1"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").stat().st_mtime_ns == before


def test_text_of_others_is_shown_as_it_stands():
    assert written.plain("a_b * |c| $5 `x_y`") == r"a\_b \* \|c\| \$5 `x_y`"
