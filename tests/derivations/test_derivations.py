"""Proofs as chains of checked steps: every check holds, and altering any constant makes one fail."""

import re
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from hypothesis import example, given
from hypothesis import strategies as st

from bounds.derivations import inequalities
from bounds.derivations import symbols as s
from bounds.derivations.algebra import equal, monotone
from bounds.derivations.chain import combination, contract
from bounds.derivations.expression import Expression
from bounds.derivations.lemmas import (
    batches,
    classes,
    complexity,
    concentration,
    contrastive,
    geometry,
    heads,
    pac_bayes,
    pairs_of_views,
    second_moment,
    spectral,
    theorem2,
    vectors,
)
from bounds.derivations.quantities import head_complexity
from bounds.derivations.search import falsify
from bounds.derivations.steps import Step
from bounds.errors import InvalidOption
from bounds.theorems import THEOREMS
from bounds.theorems.derive import PROOFS, derive, provable

VARIANTS = {
    "vicreg": [{"constants": "counted", "conditioned_pairs": True}],
    "vicreg_sharp": [{"prior_known": True, "conditioned_pairs": True}],
    "vicreg_second_moment": [
        {"prior_known": True, "conditioned_pairs": True},
        {"concentration": "klein_rio"},
    ],
    "simclr": [{"many": True}, {"conditioned_pairs": True}],
    "simclr_logistic": [{"many": True}],
    "agreement": [{"prior_known": True, "conditioned_pairs": True}],
    "prediction_powered": [{"conditioned_pairs": True}],
    "augmentation_error_floor": [{"conditioned_pairs": True}],
}
ALL = [(name, variant) for name in PROOFS for variant in ({}, *VARIANTS.get(name, []))]
IDS = [f"{name}-{'-'.join(map(str, variant.values())) or 'default'}" for name, variant in ALL]


def mutants(expression):
    """The expression with each of its numeric constants altered, one at a time."""
    if isinstance(expression, sp.Number | sp.NumberSymbol):
        yield sp.Rational(1, 7) if expression == 0 else expression * sp.Rational(3, 2)
        return
    for position, argument in enumerate(expression.args):
        for mutant in mutants(argument):
            changed = [*expression.args]
            changed[position] = mutant
            yield expression.func(*changed)


# Every derivation


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), ALL, ids=IDS)
def test_every_step_of_every_bound_holds(name, variant):
    derivation = derive(name, **variant)
    assert not derivation.failing, [str(step) for step in derivation.failing]
    assert derivation.holds


@pytest.mark.parametrize("name", ["vicreg_certified", "reference_head"])
def test_a_chain_holds_and_says_how(name):
    derivation = derive(name)
    text = str(derivation)
    assert derivation.holds, text
    for number, step in enumerate(derivation.steps, 1):
        assert f"{number:2d}. {step.name}" in text
        assert step.result.detail in text
    assert {step.kind for step in derivation.steps} >= {"symbolic", "cited"}


@pytest.mark.parametrize(("name", "variant"), ALL, ids=IDS)
def test_the_expression_is_the_object_the_theorem_evaluates(name, variant):
    derivation = derive(name, **variant)
    assert derive(name, **variant).expression.total == derivation.expression.total
    assert derive(name, **variant).expression is derivation.expression


def test_the_printed_constants_spend_four_thirds_of_delta_and_the_counted_ones_delta():
    printed, counted = derive("vicreg")["union bound"], derive("vicreg", constants="counted")["union bound"]
    assert printed.holds
    assert counted.holds
    assert sp.simplify(printed.statement.lhs.doit() - sp.Rational(4, 3) * s.delta) == 0
    assert sp.simplify(counted.statement.lhs.doit() - s.delta) == 0
    assert "4 delta/3" in printed.note


def test_every_bound_of_a_report_has_a_proof():
    bounds_only = {name for name, theorem in THEOREMS.items() if theorem.kind == "bound"}
    assert bounds_only <= set(provable())
    assert set(PROOFS) <= set(THEOREMS)
    assert not any(THEOREMS[name].proof for name in PROOFS)


TIGHT = {
    "spectral norm": (geometry, lambda: geometry.spectral_norm.__wrapped__()),
    "range of the loss": (geometry, lambda: geometry.loss_range.__wrapped__()),
    "diameter of the simplex": (geometry, lambda: geometry.simplex_projection.__wrapped__()[1]),
    "projection": (geometry, lambda: geometry.simplex_projection.__wrapped__()[0]),
    "arg-max error": (geometry, lambda: geometry.argmax_error.__wrapped__()),
    "triangle": (theorem2, lambda: theorem2.triangle(True)),
    "average": (theorem2, lambda: theorem2.average.__wrapped__(reference=False)),
    "one-line reference": (theorem2, lambda: theorem2.one_line_reference.__wrapped__()),
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
    "ends of the interval": (pairs_of_views, lambda: pairs_of_views.lagrange.__wrapped__()),
    "range shift": (pairs_of_views, lambda: pairs_of_views.spread_shift.__wrapped__()),
    "ranges on the simplex": (pairs_of_views, lambda: pairs_of_views.half_square_range.__wrapped__()),
    "Jensen over views": (contrastive, lambda: contrastive.jensen_over_views.__wrapped__("hinge", 1)),
    "triples": (contrastive, lambda: contrastive.triple_contraction.__wrapped__()),
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
    for step in (geometry.spectral_norm(), classes.class_shift(), complexity.vector_contraction()):
        tried = re.search(r"(\d+) instances", step.result.detail)
        assert tried is not None
        assert int(tried[1]) >= 10_000


# Altered constants


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variant"), ALL, ids=IDS)
def test_altering_any_constant_of_an_expression_breaks_the_chain(name, variant):
    derivation = derive(name, **variant)
    expression = derivation.expression
    core = derivation.steps[: derivation.steps.index(derivation["union bound"])]
    assert combination(derivation.goal, core, expression, derivation.domain, derivation.lower).holds
    bound, _ = contract(derivation.goal, core, derivation.domain)
    bound = -bound if derivation.lower else bound
    altered = []
    for term, formula in expression.terms.items():
        for mutant in mutants(formula):
            changed = Expression({**expression.terms, term: mutant}, expression.combine)
            altered.append((term, mutant, bound, changed.total))
    for term, parts in expression.parts.items():
        whole = expression.terms[term]
        for formula in parts.values():
            altered += [(term, mutant, whole, whole - formula + mutant) for mutant in mutants(formula)]
    assert altered
    survivors = [found[:2] for found in altered if equal(*found[2:], derivation.domain).holds]
    assert not survivors


a, r, v, w, d, N = (sp.Symbol(name, positive=True) for name in ("a", "r", "v", "w", "delta", "N"))
RADII = {
    "hoeffding": ((r, d, N), lambda: concentration.hoeffding("x", s.c, s.tau, r, d, N)),
    "weissman": ((s.K, d, N), lambda: classes.weissman("x", s.c, d, N)),
    "mcdiarmid_total_variation": (
        (s.K, d, N),
        lambda: classes.smaller_variation(
            "x",
            s.c,
            sp.Min(inequalities.weissman(s.K, d, N), inequalities.mcdiarmid_total_variation(s.K, d, N)),
            d,
            N,
        ),
    ),
    "root_frequency": (
        (s.K, d, N),
        lambda: classes.root_radius("x", s.c, inequalities.root_frequency(s.K, d, N), d, N),
    ),
    "empirical_bernstein": (
        (v, r, d, N),
        lambda: concentration.empirical_bernstein("x", s.c, s.tau, v, r, d, N),
    ),
    "pinelis": ((a, v, d), lambda: vectors.pinelis("x", s.c, inequalities.pinelis(a, v, d), a, v, d)),
    "klein_rio": (
        (a, v, w, d),
        lambda: vectors.klein_rio("x", s.c, inequalities.klein_rio(a, v, w, d), a, v, w, d),
    ),
}


@pytest.mark.parametrize("name", RADII)
def test_altering_any_constant_of_a_radius_breaks_the_inversion_of_its_tail(name, monkeypatch):
    arguments, step = RADII[name]
    assert step().holds
    formula = getattr(inequalities, name)(*arguments)
    survivors, count = [], 0
    for mutant in mutants(formula):
        count += 1
        monkeypatch.setattr(
            inequalities,
            name,
            lambda *given, mutant=mutant: mutant.subs(
                dict(zip(arguments, given, strict=True)), simultaneous=True
            ),
        )
        if step().holds:
            survivors.append(mutant)
        monkeypatch.undo()
    assert not survivors
    assert count > 2


def test_altering_the_head_class_breaks_the_chain():
    bound, _ = contract(head_complexity, complexity.head_ball())
    formula = inequalities.head_class(s.beta, s.K, s.B)
    assert equal(bound, formula).holds
    assert not any(equal(bound, mutant).holds for mutant in mutants(formula))


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


def test_equality_needs_sympy_and_digits():
    x = sp.Symbol("x", positive=True)
    assert equal(sp.sqrt(x**2 / 4), x / 2).holds
    assert not equal(x, x * (1 + sp.Rational(1, 10**40))).holds
    assert not equal(sp.Min(1, x), sp.Min(2, x)).holds


def test_monotonicity_sees_both_directions():
    assert monotone(1 / s.n, s.n, increasing=False).holds
    assert not monotone(1 / s.n, s.n, increasing=True).holds
    radius = inequalities.hoeffding(s.tau, s.delta, s.n)
    assert monotone(radius, s.delta, increasing=False).holds
    assert not monotone(radius, s.delta, increasing=True).holds


def test_a_chain_that_would_fall_as_a_quantity_grows_is_refused():
    goal, part = sp.symbols("goal part", nonnegative=True)
    falling = Step("x", sp.Le(goal, 5 - part, evaluate=False), "", "symbolic", lambda: None)
    upper = Step("y", sp.Le(part, s.tau, evaluate=False), "", "symbolic", lambda: None)
    assert not contract(goal, [falling, upper])[1].holds


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
@pytest.mark.parametrize("name", PROOFS)
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
    with pytest.raises(InvalidOption, match="known: vicreg"):
        derive("nothing")
    with pytest.raises(InvalidOption, match="does not take the options"):
        derive("test_set", prior_known=True)


def test_a_symbol_stands_for_one_thing():
    from bounds.derivations.symbols import symbol

    assert symbol("n", "n", "number of labeled items, |S|", positive=True).name == "n"
    with pytest.raises(InvalidOption, match="already stands for"):
        symbol("n", "n", "number of negatives")
