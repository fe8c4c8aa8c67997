"""Agreement of two views of a class: how far a class errs, once it is known on which side of one half it does."""

from __future__ import annotations

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.errors import InvalidProof
from bounds.proofs.facts import Fact, Lemma
from bounds.proofs.lemmas.reading import a, b
from bounds.proofs.terms import (
    Declared,
    Differ,
    E,
    Given,
    InCell,
    Indicator,
    Nonnegative,
    Remainder,
    Wrong,
    view,
)


class ClassLimit(Nonnegative, nargs=1):
    """An upper limit of a mean within each class: ClassLimit(Given(g))."""


multiplier, limit, differing = sp.symbols("multiplier limit differing")
EVERY_CLASS = Lemma(
    "a limit for every class",
    a,
    b,
    "by definition",
    "proven",
    note="The class was any that the data chose; where what a limit requires fails, the limit of that class is one.",
)
AGREEMENT = Lemma(
    "agreement of two views of a class",
    a,
    multiplier * differing + Remainder(limit, multiplier),
    "this package",
    "proven",
    note="Views of a class differ with probability 1 - sum q^2 >= 2e(1 - e); e - 2 lambda e(1 - e) is convex in e.",
    check=lambda: checks.pairs_of_views.class_agreement().result,
)


def in_each_class(limits: Fact) -> Fact:
    """E[g | y] ≤ u_y from E(g of an item of class c) ≤ u for a class c that was chosen after the data, and paid for.

    Raises:
        InvalidProof: the fact is no such limit, or g may exceed one.
    """
    cell = limits.lhs.args[0] if isinstance(limits.lhs, E) else None
    if not isinstance(cell, InCell) or cell.args[0].generic or not cell.args[0].sources:
        raise InvalidProof(f"`{limits}` does not limit a mean in a class chosen after the data.")
    term = cell.args[1]
    if not isinstance(term, Indicator):
        raise InvalidProof(f"`{term}` may exceed one.")
    return EVERY_CLASS.at({a: Given(term), b: ClassLimit(Given(term))}, premises=(limits,), drop=True)


def agree(limits: Fact, weight: Declared) -> Fact:
    """P(W errs | y) ≤ λ·P(W differs on two views | y) + max(0, u − 2λu(1 − u)), from P(W errs | y) ≤ u; any λ ≥ 0.

    Raises:
        InvalidProof: the fact is no limit of a head's error in each class.
    """
    inner = limits.lhs.args[0] if isinstance(limits.lhs, Given) else None
    if not isinstance(inner, Wrong) or inner.args[1].args[1:] != (view(0, 0),):
        raise InvalidProof(f"`{limits}` does not limit the error of a head in each class.")
    head, vector, _ = inner.args
    other = vector.xreplace({view(0, 0): view(0, 1)})
    values = {
        a: limits.lhs,
        differing: Given(Differ(head, vector, head, other)),
        multiplier: weight,
        limit: limits.rhs,
    }
    return AGREEMENT.at(values, frozenset({"A5"}), premises=(limits,))
