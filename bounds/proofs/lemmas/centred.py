"""Heads near a centre that was learned apart, in a metric of its own: their complexity, and the ramp of their margins."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.errors import InvalidProof
from bounds.proofs.choices import Family
from bounds.proofs.closed import closed
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a, b
from bounds.proofs.terms import (
    Apply,
    Declared,
    E,
    Enc,
    Energy,
    Near,
    Nonnegative,
    Norm,
    Project,
    Rad,
    Share,
    Wrong,
    label,
    view,
)


class Distance(Nonnegative, nargs=2):
    """‖(W − W₀)A‖_F, the distance of a head from the centre of a metric: Distance(W, metric)."""


class Ramp(Share, nargs=4):
    """max(0, min(1, 1 − margin/γ)), the margin that of head W at input f(x) of class y: Ramp(W, f(x), y, γ)."""


def near(head: Declared, radius: sp.Expr, metric: Declared) -> Family:
    """{‖(W − W₀)A‖_F ≤ radius}, which holds `head` where its distance is at most that."""
    generic = Declared(head.name + "'", "head", (), True)
    inside = sp.Le(Distance(head, metric), radius)
    return Family(head, Near(generic, radius, metric), frozenset({inside}))


_left, _right = sp.symbols("left right")
classes, slope = sp.symbols("classes slope")
metric_complexity = closed(
    "metric_complexity",
    lambda beta, K, moment: sp.sqrt(sp.pi / 2) * beta * sp.sqrt(K) * sp.sqrt(moment),
    role="head_complexity",
)
NEAR = Lemma(
    "Gaussian comparison over a ball around a centre",
    _left,
    slope * metric_complexity(a, classes, b),
    "Ledoux and Talagrand (1991), eqs. 4.8 and 3.13",
    note="Sudakov-Fernique replaces the loss by its argument; the centre has mean zero, Cauchy-Schwarz leaves the rest.",
    check=lambda: checks.heads.gaussian_comparison().result & checks.heads.metric_ball().result,
)
RAMP = Lemma(
    "ramp of the margin",
    _left,
    _right,
    "this package",
    "proven",
    note="An error has a margin of at most 0, where the ramp is 1.",
    check=lambda: checks.heads.ramp().result,
)


def near_ball(complexity: sp.Expr, count: sp.Expr) -> Fact:
    """R̃ ≤ L·√(π/2)·β·√(K·E‖A⁻¹f(x)‖²): L = 1 for ‖W f − y‖ and ‖Π W f − y‖, √2/γ for the ramp of the margin.

    Raises:
        InvalidProof: another class or loss, or items of unequal law, whose second moments are not that expectation.
    """
    if not isinstance(complexity, Rad) or not isinstance(complexity.args[1], Near):
        raise InvalidProof(f"`{complexity}` is not the complexity of heads near a centre.")
    sample, member, term = complexity.args
    if sample.fixed:
        raise InvalidProof(f"The items of {sample} do not have one law.")
    for encoder in term.atoms(Declared):
        vector = Enc(encoder, view())
        score = Apply(member, vector)
        width = term.args[3] if isinstance(term, Ramp) else sp.S.One
        slopes = {
            Norm(score - label()): sp.S.One,
            Norm(Project(score) - label()): sp.S.One,
            Ramp(member, vector, label(), width): sp.sqrt(2) / width,
        }
        if encoder.kind == "encoder" and term in slopes:
            _, radius, metric = member.args
            values = {_left: complexity, slope: slopes[term], a: radius, classes: count}
            return NEAR.at({**values, b: E(Energy(metric, vector))})
    raise InvalidProof(f"`{term}` is not the loss of a head of the ball.")


def ramp(head: sp.Expr, vector: sp.Expr, of: sp.Expr, width: sp.Expr) -> Fact:
    """1[W errs] ≤ ramp of its margin at width γ."""
    return RAMP.at({_left: Wrong(head, vector, of), _right: Ramp(head, vector, of, width)})
