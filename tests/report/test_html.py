"""Pages are whole, escaped and self-contained; formulas are MathML and nothing else."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from markupsafe import escape

import bounds
from bounds.derivations.steps import Result
from bounds.report.mathml import formula
from tests.report.conftest import HOSTILE, hostile

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Tags(HTMLParser):
    """Every tag with its attributes, and whether they close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.seen.append((tag, named))
        if "id" in named:
            self.ids.append(named["id"])
        if tag == "a":
            self.links.append(named["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def test_the_page_answers_first_then_shows_every_bound_and_needs_no_network(whole):
    page = whole.to_html()
    tags = parsed(page)
    assert page.index(whole.verdict.answer) < page.index("The bound of each family")
    for bound in whole:
        assert f"r0-{bound.name}" in tags.ids
    assert len(tags.ids) == len(set(tags.ids))
    assert {link[1:] for link in tags.links} <= set(tags.ids)
    assert not re.search(r"(?:src|href)=\"?https?:|@import|url\(", page)
    assert page.count("<script>") == 1
    assert "default-src 'none'" in page


def test_formulas_are_mathml(whole):
    page = whole.to_html()
    terms = sum(len(bound.terms) for bound in whole)
    assert page.count("<math") == terms + len(whole)  # and a statement each
    assert "<msqrt>" in page


def test_the_notebook_shows_the_same_without_a_script(whole):
    fragment = whole._repr_html_()
    parsed(fragment)
    assert whole.verdict.answer in fragment
    assert "<script" not in fragment
    assert "labeled_residual" in fragment


def test_a_comparison_shows_every_encoder_and_bound(whole):
    both = bounds.compare({"one": whole, "two": whole})
    page = both.to_html()
    tags = parsed(page)
    assert len(tags.ids) == len(set(tags.ids))
    assert {link[1:] for link in tags.links} <= set(tags.ids)
    for name in ("one", "two"):
        assert f"<bdi>{name}</bdi>" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_somebody_elses_words_becomes_markup(whole, text):
    report = hostile(whole, text)
    harmless = {tag for tag, _ in parsed(whole.to_html()).seen} | {"code", "h3"}
    for page in (
        report.to_html(),
        report._repr_html_(),
        bounds.compare({text: report, "b": whole}).to_html(),
    ):
        tags = parsed(page)
        assert {tag for tag, _ in tags.seen} <= harmless
        assert not [name for _, named in tags.seen for name in named if name.startswith("on")]
        assert "49" not in re.findall(r"<title>(.*?)</title>", page)  # templates in names are text


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\text{<b onclick=alert(1)>}",
        r"\frac{",
        "{" * 3000,
        "",
        "x" * 500,
        r"\unheardof{x}",
    ],
)
def test_a_formula_holds_nothing_but_a_formula(latex):
    tags = parsed(str(formula(latex)))
    assert {tag for tag, _ in tags.seen} <= {"math", "mrow", "mi", "mo", "mtext", "code"}
    for _, named in tags.seen:
        assert not {"href", "onclick", "style"} & set(named)


def test_a_formula_is_set():
    assert str(formula(r"\frac{a}{\sqrt{n}}")).count("<mfrac>") == 1
    assert "arg" in str(formula(r"\arg\max x"))
    assert "\\arg<" not in str(formula(r"\arg\max x"))


def test_a_proof_in_a_notebook_is_a_line_a_step_with_its_reasons_folded():
    proof = bounds.derive("test_set")
    shown = proof._repr_html_()
    assert shown.count("<details>") == shown.count("<summary>") == len(proof.steps)
    assert "Every check holds" in shown
    for line, step in zip(shown.split("<summary>")[1:], proof.steps, strict=True):
        summary, folded = line.split("</summary>")
        assert "<math" in summary
        assert step.rule in summary
        assert str(escape(step.result.detail)) in folded
    assert "$" not in re.sub('alttext="[^"]*"', "", shown.split("</style>")[1])


def test_a_proof_says_which_of_its_checks_fail():
    proof = bounds.derive("test_set")
    wrong = dataclasses.replace(proof.steps[0], check=lambda: Result(False, "not so"))
    shown = dataclasses.replace(proof, steps=(wrong, *proof.steps[1:]))._repr_html_()
    assert f"1 of {len(proof.steps)} checks fail" in shown
    assert "check fails: not so" in shown
