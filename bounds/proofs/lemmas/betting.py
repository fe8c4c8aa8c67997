"""Bets: processes of mean at most one under a null, what they say at 1/δ, and the limit of a mean they leave."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import sympy as sp

from bounds.derivations import lemmas as checks
from bounds.errors import InvalidProof
from bounds.proofs.dependence import depends, independent
from bounds.proofs.facts import Event, Fact, Lemma
from bounds.proofs.lemmas.reading import a, assumed, b, failing
from bounds.proofs.ranges import interval, nonnegative, parts
from bounds.proofs.terms import Declared, E, Mean, Nonnegative, Sample, Term, Whole, items, normal


# Nonnegative where the bets are, which `ville` checks and sympy does not.
class Bet(Whole, nargs=2):
    """Wealth after betting on every item of a sample: Bet(T, g) is the product of g over the items."""


class Copies(Term, nargs=2):
    """Mean of a process over B arrangements of its items, in number and order fixed before them: Copies(B, process)."""


class Peak(Term, nargs=1):
    """Largest value of a process as its items come one by one."""


class Largest(Nonnegative, nargs=4):
    """The largest p in (0, 1) at which a process stays below a threshold: Largest(p, process, threshold, shown).

    `shown` is the mean that a report shows beside the limit; it has no part in it.
    """


class Reached(Nonnegative, nargs=2):
    """1[a process reaches a threshold]: Reached(process, threshold)."""


class Positive(Nonnegative, nargs=1):
    """1[a number is positive]."""


_FREE: frozenset[str] = frozenset()
VILLE = Lemma(
    "Ville's inequality",
    a,
    b,
    "Ville (1939); Markov's inequality at a fixed size",
    check=lambda: checks.counts.constant_stakes_theorem().result,
    note="A nonnegative supermartingale that starts at one reaches 1/delta with probability at most delta.",
)


def past(sample: Sample, name: str) -> Declared:
    """A stake in (0, 1) that depends on what stands before the item in the order of its sample."""
    return Declared(name, "level", (_past(sample),))


def ville(process: sp.Expr, p: Declared, term: sp.Expr, delta: sp.Expr) -> Fact:
    """E g ≤ the largest p at which a process stays below 1/δ; at p = E g the process has mean at most one.

    Args:
        process: A mixture of bets on the items of one sample, with p for the mean that is tried.
        p: A level; the process must grow with it.
        term: The g of an item.

    Raises:
        InvalidProof: the process may have a mean above one at p = E g, or may fall in p.
    """
    limit = bet_limit(process, p, term, delta)
    if not _within(term):
        raise InvalidProof(f"`{term}` may lie outside [0, 1], where no p is tried.")
    target = E(term)
    name = f"bets on {limit.args[3].args[0]}"
    events, used = _event(process, sp.Eq(target, p), delta, name)
    for bet in process.atoms(Bet):
        # It is linear in each outcome, and so is its derivative.
        if not _never_negative(bet.args[1], lambda end: sp.diff(end, p)):
            raise InvalidProof(f"`{bet.args[1]}` may fall in `{p}`.")
    return VILLE.at({a: target, b: limit}, used, events=events)


def bet_limit(process: sp.Expr, p: Declared, term: sp.Expr, delta: sp.Expr) -> Largest:
    """The largest p at which bets on the items of one sample stay below 1/δ, shown beside the mean of g.

    Raises:
        InvalidProof: they are not on one sample.
    """
    samples = {bet.args[0] for bet in process.atoms(Bet)}
    if len(samples) != 1:
        raise InvalidProof(f"`{process}` does not bet on the items of one sample.")
    return Largest(p, process, 1 / delta, Mean(*samples, term))


def verdict(process: sp.Expr, null: sp.Basic, delta: sp.Expr) -> Fact:
    """[process reaches 1/δ] ≤ [q > 0], for a process of mean at most one wherever q ≤ 0 (or q < 0).

    Raises:
        InvalidProof: the null is not of that form, or the process may have a mean above one under it.
    """
    if not isinstance(null, sp.LessThan | sp.StrictLessThan) or null.rhs != 0:
        raise InvalidProof(f"The null `{null}` is not of the form q <= 0.")
    events, used = _event(process, null, delta, f"verdict on {null.lhs}")
    right = Positive(null.lhs) if isinstance(null, sp.LessThan) else 1 - Positive(-null.lhs)
    return VILLE.at({a: Reached(process, 1 / delta), b: right}, used, events=events)


def _event(
    process: sp.Expr, null: sp.Basic, delta: sp.Expr, what: str
) -> tuple[frozenset[Event], frozenset[str]]:
    """The event that a process reaches 1/δ under the null, and what it assumes."""
    samples = {bet.args[0] for bet in process.atoms(Bet)}
    watched = isinstance(process, Peak)
    inside = process.args[0] if watched else process
    mean, used = mean_under(inside, null)
    if not nonnegative(sp.cancel(1 - mean)):
        raise InvalidProof(f"`{process}` may have the mean `{mean}`, above one.")
    if watched:
        if len(samples) != 1 or inside.has(Copies):
            raise InvalidProof(f"`{inside}` is not watched in one order of one sample.")
        used |= _ordered(*samples)
    tested = None if isinstance(null, sp.Eq) else null
    return frozenset().union(*(failing(sample, what, delta, tested) for sample in samples)), used


def mean_under(process: sp.Expr, null: sp.Basic) -> tuple[sp.Expr, frozenset[str]]:
    """An upper limit of the mean of a nonnegative process under a null, and what it assumes.

    Raises:
        InvalidProof: none is known, or the process may be negative.
    """
    if isinstance(process, Bet):
        return sp.S.One, _fair(process, null)
    if not process.has(Bet):
        return _weight(process), _FREE
    if isinstance(process, sp.Add):
        found = [mean_under(part, null) for part in process.args]
        return sp.Add(*(mean for mean, _ in found)), _FREE.union(*(used for _, used in found))
    if isinstance(process, sp.Mul):
        moving = [part for part in process.args if part.has(Bet)]
        if len(moving) == 1:
            mean, used = mean_under(moving[0], null)
            return _weight(sp.Mul(*(part for part in process.args if part is not moving[0]))) * mean, used
    if isinstance(process, Copies):
        if any(_past(bet.args[0]) in depends(bet.args[1]) for bet in process.atoms(Bet)):
            raise InvalidProof(f"`{process}` bets by the past of one order on other orders.")
        return mean_under(process.args[1], null)
    if isinstance(process, sp.Integral) and len(process.limits) == 1:
        stake, *ends = process.limits[0]
        if ends != [0, 1] or not isinstance(stake, Declared) or stake.kind != "level":
            raise InvalidProof(f"`{process}` does not run over the stakes in (0, 1).")
        mean, used = mean_under(process.function, null)
        return sp.integrate(mean, (stake, 0, 1)), used
    raise InvalidProof(f"No mean is known for the process `{process}`.")


def _fair(bet: Bet, null: sp.Basic) -> frozenset[str]:
    """Assumptions under which every item multiplies the wealth by at most one on average, and never below zero."""
    sample, factor = bet.args
    if sample.fixed:
        raise InvalidProof(f"Bets need items of one law; the class counts of {sample} are fixed.")
    if len({item.index for item in items(factor)}) != 1:
        raise InvalidProof(f"`{factor}` is not a bet on one item.")
    if not _never_negative(factor):
        raise InvalidProof(f"The bet `{factor}` may lose more than there is.")
    excess = normal(E(factor) - 1)
    mean = min(null.lhs.atoms(E), key=sp.default_sort_key)
    times = _coefficient(excess, mean) / _coefficient(normal(null.lhs), mean)
    if normal(normal(excess - normal(times * (null.lhs - null.rhs))).as_numer_denom()[0]) != 0:
        raise InvalidProof(f"The mean of the bet `{factor}` is not known under `{null}`.")
    if not isinstance(null, sp.Eq) and not nonnegative(times):
        raise InvalidProof(f"The bet `{factor}` may gain under `{null}`.")
    before = {
        one: Declared(one.name, one.kind) for one in factor.atoms(Declared) if _past(sample) in one.sources
    }
    used = independent(sample, factor.xreplace(before)) | assumed(sample, sp.Add(*_outcomes(factor)))
    return used | _ordered(sample) if before else used


def _coefficient(term: sp.Expr, factor: sp.Expr) -> sp.Expr:
    return sp.Add(*(part / factor for part in sp.Add.make_args(term) if part.has(factor)))


def _ordered(sample: Sample) -> frozenset[str]:
    if not sample.order:
        raise InvalidProof(f"The order of {sample} may depend on its items.")
    return frozenset({sample.order})


def _past(sample: Sample) -> str:
    return f"past of {sample.name}"


def _within(term: sp.Expr) -> bool:
    return _never_negative(term) and _never_negative(1 - term)


def _never_negative(term: sp.Expr, of: Callable[[sp.Expr], sp.Expr] = sp.sympify) -> bool:
    """Whether (what is `of`) a term, linear in each outcome of an item, is at least zero at both ends of each."""
    found = _outcomes(term)
    if not all(_linear(term, one) for one in found):
        return False
    ends = [(interval(one).low, interval(one).high) for one in found]
    corners = (dict(zip(found, corner, strict=True)) for corner in product(*ends))
    return all(_at_least_zero(of(term.xreplace(corner))) for corner in corners)


def _linear(term: sp.Expr, outcome: sp.Expr) -> bool:
    """Whether a term is written as one that is linear in an outcome."""
    if isinstance(term, sp.Add):
        return all(_linear(part, outcome) for part in term.args)
    if isinstance(term, sp.Mul):
        moving = [part for part in term.args if part.has(outcome)]
        return len(moving) <= 1 and all(_linear(part, outcome) for part in moving)
    return term == outcome or not term.has(outcome)


def _outcomes(term: sp.Expr) -> list[sp.Expr]:
    return [part for part in parts(term) if items(part)]


def _at_least_zero(term: sp.Expr) -> bool:
    if nonnegative(term) or nonnegative(sp.cancel(term)):
        return True
    whole = sp.factor(term)
    above, below = sp.fraction(whole)
    return nonnegative(whole) or any(
        nonnegative(sign * above) and nonnegative(sign * below) for sign in (1, -1)
    )


def _weight(term: sp.Expr) -> sp.Expr:
    if not nonnegative(term):
        raise InvalidProof(f"The weight `{term}` may be negative.")
    return term
