"""The last step of a proof: what may be published as a bound, and the expression that is evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from functools import cache

import sympy as sp

from bounds.derivations.expression import Expression, has_number
from bounds.derivations.functions import clopper_pearson, clopper_pearson_counts
from bounds.derivations.symbols import SYMBOLS
from bounds.errors import InvalidProof
from bounds.proofs.closed import Closed
from bounds.proofs.dependence import generic_members
from bounds.proofs.facts import Event, Fact
from bounds.proofs.naming import named
from bounds.proofs.readings import Readings, plain
from bounds.proofs.sealed import seal
from bounds.proofs.terms import Declared, Sample, is_vector, items, normal

_CONCLUDED = object()


@dataclass(frozen=True, eq=False)
class Conclusion:
    """A proven bound: its last fact, and the expression that evaluates the right side of it; only `conclude` makes one.

    Lemmas that it rests on and that are not of this package are named in `foreign`.
    """

    fact: Fact
    expression: Expression
    events: tuple[Event, ...]
    assumptions: tuple[str, ...]
    foreign: tuple[str, ...]
    token: InitVar[object] = None

    def __post_init__(self, token: object) -> None:
        if token is not _CONCLUDED:
            raise InvalidProof("A conclusion is made by `conclude`, not by hand.")
        seal(self)


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
        InvalidProof: a fact that is not as the kernel made it, another goal, an event without a share of its own, a
            generic member or an item variable left, or a term that nobody can read off the data.
    """
    fact.verify()
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
    if items(fact.lhs) | items(fact.rhs):
        raise InvalidProof("An item variable is left.")
    if hidden := sorted(str(sample) for sample in other.atoms(Sample) if sample.hidden):
        raise InvalidProof(f"What {hidden[0]} holds cannot be read off the data: nobody has it.")
    other = plain(other)  # once: sympy compares the arguments of Min and Max again whenever it rebuilds them
    read = _reader(readings)
    terms, parts, root = named(other, fact, readings, read)
    base = other.base if root else other
    if normal(sp.Add(*terms.values()) - normal(read(base))) != 0:
        raise InvalidProof(f"The terms {list(terms)} do not add up to the bound.")
    if unknown := set(terms) - set(order):
        raise InvalidProof(f"The bound has the terms {sorted(unknown)}, which `order` does not list.")
    requires = tuple(
        one.func(*(read(plain(side)) for side in one.args)) for one in sorted(fact.requires, key=str)
    )
    expression = Expression(
        {name: terms[name] for name in order if name in terms},
        "root" if root else "sum",
        {name: dict(sorted(found.items())) for name, found in parts.items() if len(found) > 1},
        below,
        requires,
    )
    used = (readings.get(term) for term in sp.preorder_traversal(other) if isinstance(term, sp.Expr))
    assumptions = tuple(sorted(fact.assumptions.union(*(one.assumes for one in used if one is not None))))
    events = tuple(sorted(fact.events, key=lambda e: str(e.share)))
    lemmas = [one.lemma for one in fact.steps if one.lemma is not None]
    foreign = tuple(sorted({one.name for one in lemmas if not one.home.startswith(f"{__package__}.lemmas.")}))
    return Conclusion(fact, expression, events, assumptions, foreign, _CONCLUDED)


def _reader(readings: Readings) -> Callable[[sp.Expr], sp.Expr]:
    """What reads a term in symbols of the report, each once; it refuses what cannot be read off."""

    @cache
    def read(term: sp.Expr) -> sp.Expr:
        known = readings.get(term)
        if known is not None:
            return known.number
        if isinstance(term, Declared) and not is_vector(term) and term.name in SYMBOLS:
            return SYMBOLS[term.name]
        if term.is_number:
            return term
        if not isinstance(term, Closed) and not has_number(term):
            raise InvalidProof(f"`{term}` cannot be read off the data.")
        numbers = [read(argument) for argument in term.args]
        if isinstance(term, clopper_pearson_counts):
            ones, zeros, share = numbers
            return clopper_pearson(ones, ones + zeros, share)
        if isinstance(term, clopper_pearson):
            return clopper_pearson(sp.expand_mul(numbers[0]), *numbers[1:])
        return term.formula(*numbers) if isinstance(term, Closed) else term.func(*numbers)

    return read
