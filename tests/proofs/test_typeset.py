"""Every step of every proof, and every lemma, is mathematics: nothing shows the name that Python has for it."""

import importlib
import pkgutil
import re

import pytest
import sympy as sp
from sympy.printing.latex import LatexPrinter

import bounds.proofs.lemmas as lemmas
from bounds.proofs import terms
from bounds.proofs.facts import Lemma
from bounds.proofs.lemmas.class_means import Fewest
from bounds.proofs.lemmas.contrastive import MeanClassifier
from bounds.proofs.present import steps_of
from bounds.proofs.terms import E, Mean
from bounds.proofs.typeset import _FORMS, TermPrinter, latex
from bounds.report.mathml import formula
from bounds.theorems.duels import claims
from tests.proofs.setting import P, S, W, apart, f, residual, t, wrong, z, z2
from tests.proofs.test_theorems import PROVEN, variants

FILES = {
    one.name: importlib.import_module(f"{lemmas.__name__}.{one.name}")
    for one in pkgutil.iter_modules(lemmas.__path__)
}
CLAIMS = (claims.better, claims.not_worse, claims.below, claims.above)
# Words that are meant: set upright, or as text.
WORDS = re.compile(r"\\(?:text|mathrm|operatorname|mathbb|mathcal)\{[^}]*\}")
# A run of letters that no command begins and no index ends is a name out of the code.
NAME = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")


def named(text):
    return NAME.findall(WORDS.sub("", text))


def steps(name):
    for options in variants(PROVEN[name]):
        conclusion = PROVEN[name](**options)
        yield from (step.latex for step in steps_of(conclusion.fact))
        yield from (latex(one) for one in conclusion.fact.requires)
        yield from map(conclusion.expression.latex, conclusion.expression.terms)


@pytest.mark.parametrize("name", PROVEN)
def test_every_step_of_a_proof_is_typeset(name):
    for text in set(steps(name)):
        assert named(text) == [], text
        assert text.isascii(), text
        assert str(formula(text)).startswith("<math"), text


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_step_of_a_claim_is_typeset(claim):
    for step in steps_of(claim()):
        assert named(step.latex) == [], step.latex


@pytest.mark.parametrize(
    "lemma",
    [
        pytest.param(one, id=f"{module}.{name}")
        for module, file in FILES.items()
        for name, one in vars(file).items()
        if isinstance(one, Lemma)
    ],
)
def test_every_lemma_is_typeset(lemma):
    for side in (lemma.left, lemma.right):
        assert named(latex(side)) == [], latex(side)


def kinds(kind=terms.Term):
    """Functions of the vocabulary, wherever they are written; those that others build on aside."""
    below = [one for one in kind.__subclasses__() if one.__module__.startswith("bounds.")]
    return [one for base in below for one in kinds(base)] or [kind]


@pytest.mark.parametrize("name", sorted({kind.__name__ for kind in kinds()}))
def test_every_function_of_the_vocabulary_has_a_form(name):
    own = f"_print_{name}" in vars(TermPrinter)
    assert own or (name in _FORMS and not hasattr(LatexPrinter, f"_print_{name}"))


@pytest.mark.parametrize(
    ("term", "written"),
    [
        (E(apart), r"\mathbb E\left[\left\|f(x) - f(x')\right\|\right]"),
        (Mean(P, apart), r"\operatorname{mean}_{\bar S}\left[\left\|f(x) - f(x')\right\|\right]"),
        (Mean(S, residual), r"\operatorname{mean}_{S}\left[\left\|y - W\,f(x)\right\|\right]"),
        (wrong, r"\mathbb 1\left[V\text{ errs on }f(x)\right]"),
        (terms.Dot(z, z2) * t**2, r"t^{2} \left\langle f(x), f(x')\right\rangle"),
        (terms.Hinge(terms.Dot(z, z2)), r"\max\left(0, 1 - \left\langle f(x), f(x')\right\rangle\right)"),
        (terms.TV(S) ** 2, r"{\mathrm{TV}_{S}}^{2}"),
        (Fewest(S), r"\min_y n_y"),
        (MeanClassifier(sp.Symbol("softmax"), f, t), r"L_{\mathrm{softmax}}\left(\mu_{f};\ t\right)"),
        (terms.Worst(sp.Integer(1), apart), r"\left\|f(x) - f(x')\right\|"),
        (terms.Reach(W), r"\kappa\left(W\right)"),
    ],
)
def test_forms(term, written):
    assert latex(term) == written


def test_a_long_radius_is_opened_where_it_is_made_and_named_where_it_is_used():
    made = [
        step.latex for step in steps_of(PROVEN["vicreg_second_moment"]().fact) if "g\\left(" in step.latex
    ]
    assert [r"g\left(\delta_1\right) = \min" in text for text in made] == [True] + [False] * (len(made) - 1)
    assert len(made) > 3
