"""The theory section is made from the lemmas, assumptions and proofs: nothing of it has to be listed a second time."""

import re
import sys
from pathlib import Path

import pytest
import sympy as sp

from bounds.assumptions.assumption import TITLES
from bounds.derivations.symbols import MEANING
from bounds.proofs.facts import Lemma
from bounds.proofs.lemmas import spectral
from bounds.report.mathml import formula
from bounds.theorems import THEOREMS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import atlas
import theory

REFUTERS = atlas.read_refuters((ROOT / "docs" / "explanation" / "certified.md").read_text("utf-8"))
STATIC = ("index", "setting", "kernel")


@pytest.fixture
def again():
    theory.lemmas.cache_clear()
    yield
    theory.lemmas.cache_clear()


def test_every_lemma_of_a_proof_has_its_place():
    known = {(entry.lemma.name, entry.lemma.source) for entry in theory.lemmas()}
    used = {(fact.lemma.name, fact.lemma.source) for _, fact in theory._facts() if fact.lemma is not None}
    assert used - known == set()
    anchors = [entry.anchor for entry in theory.lemmas()]
    assert len(set(anchors)) == len(anchors) > 40


def test_a_lemma_and_the_theorems_that_use_it_lead_to_each_other():
    (pinelis,) = (entry for entry in theory.lemmas() if entry.constant == "DEVIATION")
    assert pinelis.theorems == ["vicreg_second_moment", "vicreg_second_moment_ridge"]
    page = theory.lemma_page("class_means")
    assert f"({pinelis.anchor})=" in page
    assert "[`vicreg_second_moment`](../../atlas/theorems/vicreg_second_moment.md)" in page
    assert f"(#{pinelis.anchor})" in atlas._lemmas("vicreg_second_moment")
    assert all(theory.used_by(name) for name, theorem in THEOREMS.items() if theorem.proof is not None)
    assert theory.used_by("rrm") == []


def test_a_new_lemma_appears_by_itself(monkeypatch, again):
    mine = Lemma("mine", sp.Symbol("a"), sp.Symbol("b"), "Somebody (2027)", note="Because.")
    source = theory.inspect.getsource
    monkeypatch.setattr(spectral, "MINE", mine, raising=False)
    monkeypatch.setattr(
        theory.inspect, "getsource", lambda one: source(one) + "\nMINE = 0\n" * (one is spectral)
    )
    page = theory.lemma_page("spectral")
    assert "(lemma-spectral-mine)=\n## Mine\n\n$$a \\le b$$\n\nCited: Somebody (2027). Because." in page
    assert "Used by no registered theorem." in page
    assert "Somebody (2027)" in theory.lemmas_page()
    assert "Somebody (2027)" in theory.cited_page()


@pytest.mark.parametrize("name", theory.files())
def test_the_pages_of_lemmas_are_whole(name):
    page = theory.lemma_page(name)
    assert f"Guarded by `tests/proofs/lemmas/test_{name}.py`." in page
    assert "**" not in page  # no check fails, no test is missing
    for text in re.findall(r"\$\$(.*?)\$\$", page, flags=re.S):
        assert str(formula(text)).startswith("<math"), text


def test_the_cited_ones_are_those_that_say_so():
    page = theory.cited_page()
    for entry in theory.lemmas():
        assert (f"(#{entry.anchor})" in page) == (entry.lemma.kind == "cited")


def test_every_assumption_says_who_declares_it_and_who_needs_it():
    page = theory.assumptions_page(REFUTERS)
    assert set(re.findall(r"^## (.*)$", page, flags=re.M)) >= set(TITLES)
    part = page.split("## A1\n")[1].split("\n## ")[0]
    assert REFUTERS["A1"][0] in part
    assert REFUTERS["A1"][1] in part
    assert "`bounds/assumptions/pairs.py`" in part
    assert all(
        (f"atlas/theorems/{name}.md)" in part) == ("A1" in theorem.needs)
        for name, theorem in THEOREMS.items()
    )
    assert set(theory._deciders()) == set(TITLES)


def test_every_symbol_is_listed():
    page = theory.symbols_page()
    assert [name for name in MEANING if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", STATIC)
def test_formulas_of_the_written_pages_can_be_set(name):
    text = (ROOT / "docs" / "theory" / f"{name}.md").read_text("utf-8")
    for found in re.findall(r"\$(.+?)\$", text):
        assert str(formula(found)).startswith("<math"), found
