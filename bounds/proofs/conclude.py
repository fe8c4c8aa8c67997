"""The last step of a proof: what may be published as a bound, and the expression that is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from bounds.derivations.expression import Expression
from bounds.derivations.functions import (
    clopper_pearson,
    clopper_pearson_counts,
    kl_inverse,
    kl_inverse_first,
    log_subsets,
    softplus,
)
from bounds.derivations.symbols import SYMBOLS
from bounds.errors import InvalidProof
from bounds.proofs.closed import Closed
from bounds.proofs.dependence import generic_members
from bounds.proofs.facts import Event, Fact, free_of_items
from bounds.proofs.terms import Declared, Item, Largest, Sample, is_vector, normal

# A summand is named by the first of these that it holds; then by the quantity measured in it.
FIRST = (
    "class_frequencies",
    "pair_frequencies",
    "head_complexity",
    "representation_complexity",
    "surrogate_gap",
    "confidence",
)
_IMPLICIT = (clopper_pearson, clopper_pearson_counts, kl_inverse, kl_inverse_first, Largest)
_PLAIN = (
    sp.Add,
    sp.Mul,
    sp.Pow,
    sp.exp,
    sp.log,
    sp.Max,
    sp.Min,
    sp.Abs,
    log_subsets,
    softplus,
    sp.floor,
    *_IMPLICIT[:-1],
)


@dataclass(frozen=True)
class Quantity:
    """What a term is read as: its number in symbols of the report, and the term of the bound it counts under.

    `alone` is that name where nothing else in the summand gives one; `assumes` is what the number rests on.
    """

    number: sp.Expr
    role: str = ""
    alone: str = ""
    assumes: frozenset[str] = frozenset()


Readings = Mapping[sp.Expr, Quantity]


@dataclass(frozen=True, eq=False)
class Conclusion:
    """A proven bound: its last fact, and the expression that evaluates the right side of it."""

    fact: Fact
    expression: Expression
    events: tuple[Event, ...]
    assumptions: tuple[str, ...]


def conclude(
    fact: Fact, goal: sp.Expr, readings: Readings, order: tuple[str, ...], below: bool = False
) -> Conclusion:
    """Publish a fact.

    Args:
        fact: The last fact of the proof.
        goal: What the bound is about: the left side (the right side where `below`).
        readings: Term to number: the only way from a term to a symbol of the report.
        order: Names of the bound's terms, in the order of the report.
        below: The goal is the larger side.

    Raises:
        InvalidProof: another goal, an event without a share of its own, a generic member or an item variable
            left, or a term that nobody can read off the data.
    """
    side, other = (fact.rhs, fact.lhs) if below else (fact.lhs, fact.rhs)
    if side != goal:
        raise InvalidProof(f"The proof bounds `{side}`, not `{goal}`.")
    shares = [event.share for event in fact.events]
    for event in fact.events:
        if not isinstance(event.share, Declared) or event.share.kind != "level":
            raise InvalidProof(f"The event `{event.what}` spends `{event.share}`, not a bare share.")
    if len(set(shares)) < len(shares):
        raise InvalidProof("Two events spend the same share.")
    if len(kinds := fact.assumptions & {"A1", "A1'", "label"}) > 1:
        raise InvalidProof(f"The views of a pair are taken for two kinds of views: {sorted(kinds)}.")
    if left := generic_members(other):
        raise InvalidProof(f"The generic member `{sorted(map(str, left))[0]}` is left.")
    if not free_of_items(fact):
        raise InvalidProof("An item variable is left.")
    terms, parts, root = _named(other, fact, readings)
    unknown = set(terms) - set(order)
    if unknown:
        raise InvalidProof(f"The bound has the terms {sorted(unknown)}, which `order` does not list.")
    expression = Expression(
        {name: terms[name] for name in order if name in terms},
        "root" if root else "sum",
        {name: found for name, found in parts.items() if len(found) > 1},
        below,
        tuple(_relation(one, readings) for one in sorted(fact.requires, key=str)),
    )
    used = (readings.get(plain(term)) for term in sp.preorder_traversal(other) if isinstance(term, sp.Expr))
    assumptions = tuple(sorted(fact.assumptions.union(*(one.assumes for one in used if one is not None))))
    return Conclusion(fact, expression, tuple(sorted(fact.events, key=lambda e: str(e.share))), assumptions)


def _relation(relation: sp.Basic, readings: Readings) -> sp.Basic:
    left, right = (_read(side, readings) for side in relation.args)
    return relation.func(left, right, evaluate=False)


def _named(
    total: sp.Expr, fact: Fact, readings: Readings
) -> tuple[dict[str, sp.Expr], dict[str, dict[str, sp.Expr]], bool]:
    if isinstance(total, sp.Min):
        return {"smaller": _read(total, readings)}, {}, False
    root = isinstance(total, sp.Pow) and total.exp == sp.Rational(1, 2) and isinstance(total.base, sp.Add)
    terms: dict[str, list[sp.Expr]] = {}
    parts: dict[str, dict[str, sp.Expr]] = {}
    for summand in sp.Add.make_args(normal(total.base if root else total)):
        centre = _centre(summand)
        for piece, name in _pieces(summand, centre, readings):
            number = _read(piece, readings)
            terms.setdefault(name, []).append(number)
            if name == "confidence":
                what = _event(piece, fact)
                parts.setdefault(name, {})[what] = parts.get(name, {}).get(what, 0) + number
    return {name: sp.Add(*found) for name, found in terms.items()}, parts, root


def _pieces(summand: sp.Expr, centre: sp.Expr, readings: Readings) -> list[tuple[sp.Expr, str]]:
    if centre == summand:
        return [(summand, _role(summand, readings))]
    measured = [(part, _role(part, readings)) for part in sp.Add.make_args(normal(centre))]
    return [*measured, (summand - centre, "confidence")]


def _centre(term: sp.Expr) -> sp.Expr:
    """The term with every implicit limit replaced by the mean it is a limit of."""
    while found := [one for one in term.atoms(*_IMPLICIT) if not one.args[0].has(*_IMPLICIT)]:
        term = term.xreplace({one: _middle(one) for one in found})
    return term


def _middle(limit: sp.Expr) -> sp.Expr:
    if isinstance(limit, Largest):
        return limit.args[3]
    first = limit.args[0]
    if isinstance(limit, clopper_pearson):
        return first / limit.args[1]
    if isinstance(limit, clopper_pearson_counts):
        return first / (first + limit.args[1])
    return next(part for part in first.args if part != 1) if isinstance(first, sp.Min) else first


def _role(term: sp.Expr, readings: Readings) -> str:
    found, weak = {one.role for one in term.atoms(Closed)}, set()
    for one in sp.preorder_traversal(term):
        reading = readings.get(plain(one)) if isinstance(one, sp.Expr) else None
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
    held = [event.what for event in fact.events if term.has(event.share)]
    return held[0] if held else "confidence"


def plain(term: sp.Expr) -> sp.Expr:
    """The term with each sample reduced to what readings know: name, size, and whether it is of pairs."""
    samples = term.atoms(Sample)
    return term.xreplace({one: Sample(one.name, one.size, paired=one.paired) for one in samples})


def _read(term: sp.Expr, readings: Readings) -> sp.Expr:
    """A term in symbols of the report.

    Raises:
        InvalidProof: part of it cannot be read off.
    """
    known = readings.get(plain(term))
    if known is not None and not any(sample.hidden for sample in term.atoms(Sample)):
        return known.number
    if isinstance(term, Declared) and not is_vector(term) and term.name in SYMBOLS:
        return SYMBOLS[term.name]
    if isinstance(term, clopper_pearson_counts):
        count, zeros, share = (_read(argument, readings) for argument in term.args)
        return clopper_pearson(count, count + zeros, share)
    if isinstance(term, Closed):
        return term.formula(*(_read(argument, readings) for argument in term.args))
    if term.is_number and not isinstance(term, Item):
        return term
    if isinstance(term, _PLAIN):
        return term.func(*(_read(argument, readings) for argument in term.args))
    raise InvalidProof(f"`{term}` cannot be read off the data.")
