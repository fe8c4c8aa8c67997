"""The terms of a bound by name: a summand is named by what is measured in it."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from bounds.derivations.functions import (
    clopper_pearson,
    clopper_pearson_counts,
    kl_inverse,
    kl_inverse_first,
    picked_limit,
)
from bounds.errors import InvalidProof
from bounds.proofs.closed import Closed
from bounds.proofs.facts import Fact
from bounds.proofs.lemmas.betting import Largest
from bounds.proofs.readings import Readings
from bounds.proofs.terms import normal

# Limits that are inverses without a formula.
IMPLICIT = (clopper_pearson, clopper_pearson_counts, kl_inverse, kl_inverse_first, picked_limit, Largest)


# A summand is named by the first of these that it holds; then by the quantity measured in it.
FIRST = (
    "class_frequencies",
    "pair_frequencies",
    "head_complexity",
    "representation_complexity",
    "surrogate_gap",
    "below_chance",
    "class_means",
    "collisions",
    "confidence",
)


def named(
    total: sp.Expr, fact: Fact, readings: Readings, read: Callable[[sp.Expr], sp.Expr]
) -> tuple[dict[str, sp.Expr], dict[str, dict[str, sp.Expr]], bool]:
    """The terms of a bound by name, the parts of some, and whether the bound is the root of their sum.

    Nothing rests on it: `conclude` checks that the terms add up to the bound.
    """
    if isinstance(total, sp.Min):
        return {"smaller": read(total)}, {}, False
    root = isinstance(total, sp.Pow) and total.exp == sp.Rational(1, 2) and isinstance(total.base, sp.Add)
    terms: dict[str, list[sp.Expr]] = {}
    parts: dict[str, dict[str, sp.Expr]] = {}
    for summand in sp.Add.make_args(normal(total.base if root else total)):
        centre = _centre(summand)
        for piece, name in _pieces(summand, centre, readings):
            number = read(piece)
            terms.setdefault(name, []).append(number)
            if name == "confidence":
                what = _event(piece, fact)
                parts.setdefault(name, {})[what] = parts.get(name, {}).get(what, 0) + number
    found = {name: sp.Add(*numbers) for name, numbers in terms.items()}
    return {name: term for name, term in found.items() if term != 0}, parts, root


def _pieces(summand: sp.Expr, centre: sp.Expr, readings: Readings) -> list[tuple[sp.Expr, str]]:
    if centre == summand:
        return [(summand, _role(summand, readings))]
    measured = [(part, _role(part, readings)) for part in sp.Add.make_args(normal(centre))]
    return [*measured, (summand - centre, "confidence")]


def _centre(term: sp.Expr) -> sp.Expr:
    """The term with every implicit limit replaced by the mean it is a limit of."""
    while found := [one for one in term.atoms(*IMPLICIT) if not one.args[0].has(*IMPLICIT)]:
        term = term.xreplace({one: _middle(one) for one in found})
    return term


def _middle(limit: sp.Expr) -> sp.Expr:
    if isinstance(limit, Largest):
        return limit.args[3]
    first = limit.args[0]
    if isinstance(limit, clopper_pearson | picked_limit):
        return first / limit.args[1]
    if isinstance(limit, clopper_pearson_counts):
        return first / (first + limit.args[1])
    return next(part for part in first.args if part != 1) if isinstance(first, sp.Min) else first


def _role(term: sp.Expr, readings: Readings) -> str:
    if term.is_number:
        return "constant"
    found, weak = {one.role for one in term.atoms(Closed)}, set()
    for one in sp.preorder_traversal(term):
        reading = readings.get(one) if isinstance(one, sp.Expr) else None
        if reading is not None:
            found.add(reading.role)
            weak.add(reading.alone)
    found = (found - {"", "weight"}) or (weak - {""})
    for name in FIRST:
        if name in found:
            return name
    if len(found) != 1:
        raise InvalidProof(f"The summand `{term}` is named by {sorted(found)}, not by one quantity.")
    return found.pop()


def _event(term: sp.Expr, fact: Fact) -> str:
    held = sorted(event.what for event in fact.events if term.has(event.share))
    return ", ".join(held) or "confidence"
