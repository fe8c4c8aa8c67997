"""Checks of lemmas, expressions and their rounding, and what `derive` shows."""

import re
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from bounds.derivations.algebra import equal
from bounds.derivations.expression import Expression
from bounds.derivations.functions import Max, Min
from bounds.derivations.lemmas import (
    batches,
    classes,
    complexity,
    contrastive,
    heads,
    pac_bayes,
    pairs_of_views,
    second_moment,
    spectral,
)
from bounds.derivations.search import falsify
from bounds.errors import InvalidOption
from bounds.theorems import THEOREMS
from bounds.theorems.derive import derive, provable


@pytest.mark.parametrize("name", ["vicreg_certified", "reference_head"])
def test_a_chain_holds_and_says_how(name):
    derivation = derive(name)
    text = str(derivation)
    assert derivation.holds, text
    for number, step in enumerate(derivation.steps, 1):
        assert f"{number:2d}. {step.name}" in text
        assert step.result.detail in text
    assert {step.kind for step in derivation.steps} >= {"symbolic", "cited"}


def test_every_bound_of_a_report_has_a_proof():
    bounds_only = {name for name, theorem in THEOREMS.items() if theorem.kind == "bound"}
    assert bounds_only <= set(provable())


TIGHT = {
    "class shift": (classes, lambda: classes.class_shift.__wrapped__()),
    "difference of roots": (classes, lambda: classes.root_factoring.__wrapped__()),
    "symmetrisation": (complexity, lambda: complexity.symmetrisation.__wrapped__()),
    "vector contraction": (complexity, lambda: complexity.vector_contraction.__wrapped__()),
    "Gaussian comparison": (heads, lambda: heads.gaussian_comparison.__wrapped__()),
    "metric ball": (heads, lambda: heads.metric_ball.__wrapped__()),
    "ramp": (heads, lambda: heads.ramp.__wrapped__()),
    "change of measure": (pac_bayes, lambda: pac_bayes.change_of_measure.__wrapped__()),
    "derandomisation": (pac_bayes, lambda: pac_bayes.derandomisation.__wrapped__()),
    "agreement": (pairs_of_views, lambda: pairs_of_views.class_agreement.__wrapped__()),
    "Jensen over views": (contrastive, lambda: contrastive.jensen_over_views.__wrapped__("hinge", 1)),
    "Minkowski": (second_moment, lambda: second_moment.minkowski.__wrapped__()),
    "one item of a batch": (batches, lambda: batches.bounded_difference.__wrapped__()),
    "scaled means": (spectral, lambda: spectral.scaled_means.__wrapped__()),
    "reach": (second_moment, lambda: second_moment.reach_of_means.__wrapped__()),
    "class variance": (second_moment, lambda: second_moment.class_variance.__wrapped__()),
}


@pytest.mark.parametrize("name", TIGHT)
def test_a_search_finds_a_counterexample_once_the_right_side_shrinks_by_a_twentieth(name, monkeypatch):
    module, step = TIGHT[name]

    def shrunk(relation, *given, **options):
        return falsify(
            sp.Le(relation.lhs, relation.rhs * sp.Rational(19, 20), evaluate=False), *given, **options
        )

    monkeypatch.setattr(module, "falsify", shrunk)
    assert not step().holds


def test_falsification_tries_at_least_ten_thousand_instances():
    for step in (complexity.symmetrisation(), classes.class_shift(), complexity.vector_contraction()):
        tried = re.search(r"(\d+) instances", step.result.detail)
        assert tried is not None
        assert int(tried[1]) >= 10_000


# The three kinds of check


def test_a_false_inequality_is_falsified():
    x, y = sp.symbols("x y", nonnegative=True)
    relation = sp.Le(x, sp.Rational(99, 100) * y, evaluate=False)
    found = falsify(relation, lambda p: {x: np.abs(p[:, 0]), y: np.abs(p).max(1)}, 2)
    assert not found.holds


def test_nan_counts_as_a_counterexample():
    x = sp.Symbol("x")
    assert not falsify(
        sp.Le(x, 1, evaluate=False), lambda p: {x: np.where(p[:, 0] > 3, np.nan, 0.0)}, 1
    ).holds


def test_the_largest_and_the_smallest_of_numbers():
    x = sp.Symbol("x", real=True)
    assert (Max(3, 2), Max(2, 3), Min(3, 2), Min(2, 3)) == (3, 3, 2, 2)
    assert (Max(0, x).subs(x, -1), Min(1, x).subs(x, 3)) == (0, 1)


def test_equality_needs_sympy_and_digits():
    x = sp.Symbol("x", positive=True)
    assert equal(sp.sqrt(x**2 / 4), x / 2).holds
    assert not equal(x, x * (1 + sp.Rational(1, 10**40))).holds
    assert not equal(Min(1, x), Min(2, x)).holds


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6), st.booleans(), st.booleans())
@example([2.2250738585e-313], True, True)
@example([2.2250738585e-313], True, False)
@example([5e-324], True, False)
@example([0.0], True, False)
def test_a_total_is_rounded_to_the_side_on_which_it_stays_true(numbers, root, below):
    names = [f"t{i}" for i in range(len(numbers))]
    expression = Expression({name: sp.Symbol(name) for name in names}, "root" if root else "sum", below=below)
    found = Fraction(expression.combined(dict(zip(names, numbers, strict=True))))
    exact = sum(map(Fraction, numbers))
    if root:
        found, exact = found**2, max(exact, Fraction(0))
    assert found <= exact if below else found >= exact


# Presentation


def test_the_page_is_ascii_with_balanced_braces_and_environments():
    page = derive("test_set").latex()
    assert page.isascii()
    bare = page.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert page.count(r"\begin{") == page.count(r"\end{")
    assert page.count(r"\[") == page.count(r"\]")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.parametrize("name", ["test_set", "vicreg_certified", "simclr", "pac_bayes"])
def test_the_page_compiles(name, tmp_path):
    (tmp_path / "page.tex").write_text(derive(name).latex())
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_html_and_latex_for_notebooks():
    derivation = derive("test_set")
    assert derivation._repr_html_().count("<tr>") == len(derivation.steps) + 1
    assert derivation._repr_latex_().startswith("$")


def test_unknown_names_and_options_are_refused():
    with pytest.raises(InvalidOption, match="known: arora_2019"):
        derive("nothing")
    with pytest.raises(InvalidOption, match="does not take the options"):
        derive("test_set", prior_known=True)


def test_a_symbol_stands_for_one_thing():
    from bounds.derivations.symbols import symbol

    assert symbol("n", "n", "number of labeled items, |S|", positive=True).name == "n"
    with pytest.raises(InvalidOption, match="already stands for"):
        symbol("n", "n", "number of negatives")
