"""Choices made after the data: a chosen member depends on the data, its generic stand-in does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import sympy as sp

from bounds.errors import InvalidProof
from bounds.proofs.closed import closed
from bounds.proofs.facts import Fact, united
from bounds.proofs.terms import Declared, InBall, Kind


@dataclass(frozen=True)
class Choice:
    """One member of a countable family fixed before the data.

    Attributes:
        chosen: The member that was chosen; it depends on what it was chosen by.
        generic: A member fixed before the data.
        weight: Share of the generic member; over the family they sum to at most one.
    """

    chosen: Declared
    generic: Declared
    weight: sp.Expr


def one_of(
    count: Declared, symbol: str, kind: Kind, chosen_by: tuple[str, ...], before: tuple[str, ...] = ()
) -> Choice:
    """One of `count` members at equal weights.

    Raises:
        InvalidProof: `count` is not declared as a count.
    """
    if count.kind != "count":
        raise InvalidProof(f"`{count}` is not a count.")
    generic = Declared(symbol + "'", kind, before, True)
    return Choice(Declared(symbol, kind, chosen_by), generic, 1 / count)


# w_j = 1/((π²/3 − 1)(|j| + 1)²): over all integers j these sum to (2·π²/6 − 1)/(π²/3 − 1) = 1.
integer_weight = closed(
    "integer_weight", lambda j: 1 / ((sp.pi**2 / 3 - 1) * (sp.Abs(j) + 1) ** 2), role="weight"
)


def over_integers(symbol: str, chosen_by: tuple[str, ...]) -> Choice:
    """An integer j at weight 1/((π²/3 − 1)(|j| + 1)²)."""
    generic = Declared(symbol + "'", "index", (), True)
    return Choice(Declared(symbol, "index", chosen_by), generic, integer_weight(generic))


@dataclass(frozen=True)
class Family:
    """A class of functions fixed before the data, over which a bound holds uniformly.

    Attributes:
        chosen: The member the bound speaks about.
        generic: Any member.
        requires: What must hold for `chosen` to belong to it.
    """

    chosen: Declared
    generic: sp.Expr
    requires: frozenset[sp.Basic] = frozenset()

    def xreplace(self, rule: dict[sp.Basic, sp.Basic]) -> Family:
        """The family with members of other choices replaced."""
        requires = frozenset(relation.xreplace(rule) for relation in self.requires)
        return Family(self.chosen, self.generic.xreplace(rule), requires)


def ball(head: Declared, radius: sp.Expr, norm: Callable[[sp.Expr], sp.Expr]) -> Family:
    """{‖W‖ ≤ radius}, which holds `head` where its norm is at most that."""
    generic = Declared(head.name + "'", "head", (), True)
    return Family(head, InBall(generic, radius), frozenset({sp.Le(norm(head), radius)}))


def payable(rule: Callable[..., Fact]) -> Callable[..., Fact]:
    """Give a lemma's reading function the argument `over`: choices that the union bound pays for."""

    @wraps(rule)
    def paid(total: sp.Expr, delta: sp.Expr, *more: Any, over: tuple[Choice, ...] = (), **named: Any) -> Fact:
        forth = {choice.chosen: choice.generic for choice in over}
        back = {generic: chosen for chosen, generic in forth.items()}
        share = sp.Mul(delta, *(choice.weight for choice in over))
        given = [one.xreplace(forth) if hasattr(one, "xreplace") else one for one in (total, *more)]
        fact = rule(given[0], share, *given[1:], **named)
        return united(fact, back, share, delta) if over else fact

    return paid
