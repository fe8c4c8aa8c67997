"""Facts, and the only rules that make them. Nothing outside this package's kernel can state an inequality."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from traceback import walk_stack
from typing import Literal

import sympy as sp

from bounds.derivations.functions import Max, Min
from bounds.derivations.steps import Result, Step
from bounds.errors import InvalidProof
from bounds.proofs.ranges import direction, nonnegative, positive
from bounds.proofs.sealed import intact, seal
from bounds.proofs.terms import E, Fresh, Mean, Sample, UMean, declare_check, normal, order

_TOKEN = object()
Strings = frozenset[str]
NONE: Strings = frozenset()


@dataclass(frozen=True)
class Event:
    """Something that may fail with probability `share`, and only if `null` is true where one is given."""

    what: str
    share: sp.Expr
    null: sp.Basic | None = None

    def excludes(self, other: Event) -> bool:
        """Whether the two can never both be wrong: their nulls q ≤ 0 or q < 0 and −q < 0 cannot both be true."""
        one, two = self.null, other.null
        if one is None or two is None or normal(one.lhs + two.lhs) != 0:
            return False
        return isinstance(one, sp.StrictLessThan) or isinstance(two, sp.StrictLessThan)


@dataclass(frozen=True, eq=False)
class Fact:
    """lhs ≤ rhs for all items, wherever no event fails and every required relation holds.

    Attributes:
        lhs, rhs: The two sides.
        rule: What made it: a lemma's name or a rule of the kernel.
        events: What may fail; a fact used twice is paid for once.
        assumptions: What it assumes about the data, by name.
        requires: Relations between readable numbers that evaluation checks.
        premises: The facts it follows from.
        lemma: The lemma it instantiates, where it does.
    """

    lhs: sp.Expr
    rhs: sp.Expr
    rule: str
    events: frozenset[Event] = frozenset()
    assumptions: Strings = NONE
    requires: frozenset[sp.Basic] = frozenset()
    premises: tuple[Fact, ...] = ()
    lemma: Lemma | None = None
    token: InitVar[object] = None

    def __post_init__(self, token: object) -> None:
        if token is not _TOKEN:
            raise InvalidProof("A fact is made by a rule or a lemma, not by hand.")
        for premise in self.premises:
            premise.verify()
        declare_check(self.lhs)
        declare_check(self.rhs)
        seal(self)

    def verify(self) -> None:
        """Refuse copies, and what was changed after it was made.

        Raises:
            InvalidProof: not as the kernel made it.
        """
        if not intact(self, Fact):
            raise InvalidProof(f"`{self}` is not as the kernel made it.")

    @property
    def spends(self) -> sp.Expr:
        """Probability with which it may fail, by the union bound; of two whose nulls exclude each other, one can."""
        left, total = sorted(self.events, key=lambda event: event.what), sp.S.Zero
        while left:
            event = left.pop()
            rival = next((other for other in left if event.excludes(other)), None)
            if rival is not None:
                left.remove(rival)
            total += event.share if rival is None else Max(event.share, rival.share)
        return total

    @property
    def steps(self) -> tuple[Fact, ...]:
        """Every fact it rests on, premises first, itself last."""
        found = {id(step): step for premise in self.premises for step in premise.steps}
        return (*found.values(), self)

    def __str__(self) -> str:
        return f"{self.lhs} <= {self.rhs}"

    def chain(self, *others: Fact) -> Fact:
        """Replace each other's left side on the right: linearly where it stands alone, else where the side grows.

        Raises:
            InvalidProof: it does not occur, its multiplier may be negative, or the right side may fall in it.
        """
        fact = self
        for other in others:
            fact = fact._replace(other)
        return fact

    def _replace(self, other: Fact) -> Fact:
        q, bound = normal(other.lhs), other.rhs
        right = normal(self.rhs)
        first = next(part for part in (*sp.Add.make_args(q), q) if not part.is_number)
        times, _ = _linear(right, first)
        if times == 0:
            raise InvalidProof(f"`{first}` does not occur in `{right}`.")
        if not times.has(first):
            # a ≤ b and q ≤ r give a ≤ b + t(r − q) for any t ≥ 0; t makes the first summand of q vanish.
            rhs = right - normal(_weight(times) * q) + normal(times * bound)
            return _follow(self.lhs, rhs, "chain", self, other)
        if q != first:
            raise InvalidProof(f"`{right}` is not linear in `{first}`.")
        if direction(right, q) != 1:
            raise InvalidProof(f"`{right}` falls in `{q}`.")
        return _follow(self.lhs, right.xreplace({q: bound}), "monotone chain", self, other)

    def lower(self, other: Fact) -> Fact:
        """From other: q ≤ r, replace r by q where the right side falls in r.

        Raises:
            InvalidProof: r does not occur, or the right side may grow in it.
        """
        if not self.rhs.has(other.rhs):
            raise InvalidProof(f"`{other.rhs}` does not occur in `{self.rhs}`.")
        if direction(self.rhs, other.rhs) != -1:
            raise InvalidProof(f"`{self.rhs}` grows in `{other.rhs}`.")
        return _follow(self.lhs, self.rhs.xreplace({other.rhs: other.lhs}), "antitone chain", self, other)

    def plus(self, other: Fact, times: sp.Expr = sp.S.One) -> Fact:
        """A + t·q ≤ b + t·r.

        Raises:
            InvalidProof: t may be negative.
        """
        t = _weight(sp.sympify(times))
        lhs, rhs = (normal(a) + normal(t * b) for a, b in ((self.lhs, other.lhs), (self.rhs, other.rhs)))
        return _follow(lhs, rhs, "sum", self, other)

    def scaled(self, times: sp.Expr) -> Fact:
        """T·a ≤ t·b.

        Raises:
            InvalidProof: t may be negative.
        """
        return _follow(normal(_weight(times) * self.lhs), normal(times * self.rhs), "scaling", self)

    def subtract(self, q: sp.Expr) -> Fact:
        """A − q ≤ b − q."""
        return _follow(normal(self.lhs) - normal(q), normal(self.rhs) - normal(q), "subtraction", self)

    def average(self, sample: Sample) -> Fact:
        """Mean over the items of a sample, second views drawn afresh where the sample has none."""
        fresh = (lambda side: side) if sample.paired else Fresh
        mean = Mean if max(order(self.lhs), order(self.rhs)) <= 1 else UMean
        return _follow(mean(sample, fresh(self.lhs)), mean(sample, fresh(self.rhs)), "average", self)

    def expect(self) -> Fact:
        """Expectation over new items."""
        return _follow(E(self.lhs), E(self.rhs), "expectation", self)

    def isolate(self, q: sp.Expr) -> Fact:
        """c·q + a ≤ b solved for q.

        Raises:
            InvalidProof: the left side is not linear in q, or c may not be positive.
        """
        factor, rest = _linear(normal(self.lhs), q)
        if factor == 0 or factor.has(q):
            raise InvalidProof(f"`{self.lhs}` is not linear in `{q}`.")
        if not positive(factor):
            raise InvalidProof(f"The factor `{factor}` of `{q}` may not be positive.")
        rhs = sp.Add(*(part / factor for part in sp.Add.make_args(self.rhs - rest)))
        return _follow(q, rhs, "solved", self)

    def weaken(self, rhs: sp.Expr) -> Fact:
        """A right side that is surely no smaller.

        Raises:
            InvalidProof: it may be smaller.
        """
        if not nonnegative(sp.expand(rhs - self.rhs)):
            raise InvalidProof(f"`{rhs}` may be smaller than `{self.rhs}`.")
        return _follow(self.lhs, rhs, "weakened", self)

    def smaller(self, other: Fact) -> Fact:
        """Both hold on the union of their events, so the smaller right side does.

        Raises:
            InvalidProof: the left sides differ.
        """
        if self.lhs != other.lhs:
            raise InvalidProof(f"`{self.lhs}` and `{other.lhs}` differ.")
        return _follow(self.lhs, Min(self.rhs, other.rhs), "the smaller of two", self, other)

    def root(self) -> Fact:
        """√a ≤ √b.

        Raises:
            InvalidProof: a may be negative.
        """
        return _follow(sp.sqrt(_weight(self.lhs)), sp.sqrt(self.rhs), "root", self)


def _linear(term: sp.Expr, q: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """C and r with term = c·q + r, by its summands; c holds q where the term is not linear in it."""
    parts = sp.Add.make_args(term)
    factor = sp.Add(*(part / q for part in parts if part.has(q)))
    return factor, sp.Add(*(part for part in parts if not part.has(q)))


def _weight(term: sp.Expr) -> sp.Expr:
    if not nonnegative(term):
        raise InvalidProof(f"`{term}` may be negative.")
    return term


@dataclass(frozen=True, eq=False)
class Lemma:
    """left ≤ right in placeholders; `at` fills them in.

    Attributes:
        name, source: What it is called, and where it is proven.
        left, right: The two sides, in plain sympy symbols.
        kind: "cited" for a theorem of the literature, "proven" for one whose proof is its note and its test.
        unequal: It holds for independent items of unequal law, so also at fixed class counts.
        note: One sentence: why, or what is known about its constants.
        check: A search for a counterexample, or the two sides where both can be computed.
        home: The module that states it: a certificate rests on lemmas of this package alone.
    """

    name: str
    left: sp.Expr
    right: sp.Expr
    source: str
    kind: Literal["cited", "proven"] = "cited"
    unequal: bool = False
    note: str = ""
    check: Callable[[], Result] | None = None
    home: str = field(init=False)

    def __post_init__(self) -> None:
        callers = (frame.f_globals["__name__"] for frame, _ in walk_stack(sys._getframe()))
        object.__setattr__(self, "home", next(name for name in callers if name != __name__))

    @classmethod
    def of(cls, step: Step, source: str = "") -> Lemma:
        """The inequality that a step states and checks; its symbols are the placeholders."""
        left, right = step.statement.args
        cited = step.source or source
        return cls(step.name, left, right, cited, "proven", note=step.rule, check=lambda: step.result)

    def at(
        self,
        values: Mapping[sp.Symbol, sp.Expr],
        assumptions: Strings = NONE,
        requires: frozenset[sp.Basic] = frozenset(),
        *,
        events: frozenset[Event] = frozenset(),
        premises: tuple[Fact, ...] = (),
        drop: bool = False,
    ) -> Fact:
        """The instance of a lemma that holds wherever its premises do and no event fails; readings alone name events.

        `drop` leaves what the premises require behind.

        Raises:
            InvalidProof: a placeholder is left.
        """
        lhs, rhs = (side.xreplace(dict(values)) for side in (self.left, self.right))
        return _follow(
            lhs, rhs, self, *premises, events=events, assumptions=assumptions, requires=requires, drop=drop
        )


def _follow(
    lhs: sp.Expr,
    rhs: sp.Expr,
    rule: str | Lemma,
    *premises: Fact,
    events: frozenset[Event] = frozenset(),
    assumptions: Strings = NONE,
    requires: frozenset[sp.Basic] = frozenset(),
    drop: bool = False,
) -> Fact:
    """A fact that fails where its premises do, and assumes and requires what they do; with `drop` it does not require it."""
    events = events.union(*(fact.events for fact in premises))
    assumptions = assumptions.union(*(fact.assumptions for fact in premises))
    requires = requires.union(*(fact.requires for fact in premises if not drop))
    name, lemma = (rule.name, rule) if isinstance(rule, Lemma) else (rule, None)
    return Fact(lhs, rhs, name, events, assumptions, requires, premises, lemma, _TOKEN)


def united(fact: Fact, back: Mapping[sp.Symbol, sp.Symbol], paid: sp.Expr, share: sp.Expr) -> Fact:
    """The union over generic members whose weights sum to at most one, at the members that were chosen.

    Args:
        fact: It holds for each fixed value of the generic members.
        back: Generic member -> chosen member.
        paid: The share of the one event that holds them: `share` times their weights.
        share: What the union spends.

    Raises:
        InvalidProof: no event, or more than one, holds the generic members, or it does not carry their weights.
    """
    held = [event for event in fact.events if event.share == paid or event.share.free_symbols & set(back)]
    if [event.share for event in held] != [paid]:
        raise InvalidProof(f"The union over {sorted(map(str, back))} needs one event of share `{paid}`.")
    events = fact.events - set(held) | {Event(held[0].what, share)}
    lhs, rhs, *requires = (one.xreplace(dict(back)) for one in (fact.lhs, fact.rhs, *fact.requires))
    return Fact(
        lhs, rhs, "union over a grid", events, fact.assumptions, frozenset(requires), (fact,), token=_TOKEN
    )


def decomposed(total: sp.Expr, parts: tuple[sp.Expr, ...], norm: Callable[..., sp.Expr]) -> Fact:
    """‖Σ parts‖ ≤ Σ‖part‖, where the parts are checked to add up.

    Raises:
        InvalidProof: they do not.
    """
    if normal(total - sp.Add(*parts)) != 0:
        raise InvalidProof(f"The parts do not add up to `{total}`.")
    return _follow(norm(total), sp.Add(*(norm(part) for part in parts)), "triangle inequality")
