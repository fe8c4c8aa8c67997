"""A proof of the kernel for readers: its facts as numbered steps, each with its rule, source, premises and check."""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from bounds.derivations.steps import Derivation, Result, Step
from bounds.proofs.conclude import Conclusion
from bounds.proofs.facts import Event, Fact
from bounds.proofs.typeset import latex


def presented(name: str, conclusion: Conclusion, variant: Mapping[str, object]) -> Derivation:
    """The steps of a proof, premises before what follows from them."""
    lower = conclusion.expression.below
    goal = -conclusion.fact.rhs if lower else conclusion.fact.lhs
    return Derivation(
        name,
        goal,
        steps_of(conclusion.fact),
        conclusion.expression,
        sp.Add(*(event.share for event in conclusion.events)),
        dict(variant),
        {},
        lower,
        latex(goal),
    )


def steps_of(fact: Fact) -> tuple[Step, ...]:
    """The steps of one fact, itself the last."""
    numbers = {id(one): number for number, one in enumerate(fact.steps, 1)}
    paid: set[Event] = set()
    found = []
    for one in fact.steps:
        found.append(_step(one, numbers, one.events - paid))
        paid |= one.events
    return tuple(found)


def _step(fact: Fact, numbers: Mapping[int, int], new: frozenset[Event]) -> Step:
    """A step; `new` are the events that no step before it rests on."""
    rule = fact.rule
    if fact.premises:
        rule += " (" + ", ".join(str(numbers[id(premise)]) for premise in fact.premises) + ")"
    made = fact.events if fact.lemma is not None and not fact.premises else frozenset()
    name = ", ".join(sorted(event.what for event in made & new or made)).replace("_", " ") or fact.rule
    note = fact.lemma.note if fact.lemma is not None else ""
    return Step(
        name,
        sp.Le(fact.lhs, fact.rhs, evaluate=False),
        rule,
        "cited" if fact.lemma is not None and fact.lemma.kind == "cited" else "symbolic",
        lambda: _check(fact),
        source=fact.lemma.source if fact.lemma is not None else "",
        note=note if note.isascii() else "",
        spends=sp.Add(*(event.share for event in made & new)),
        display=f"{latex(fact.lhs)} \\le {_right(fact)}",
    )


def _right(fact: Fact) -> str:
    """The right side; a lemma that makes a radius with a name shows both."""
    short, whole = (latex(fact.rhs, whole=one) for one in (False, True))
    return f"{short} = {whole}" if fact.lemma is not None and short != whole else short


def _check(fact: Fact) -> Result:
    if fact.lemma is not None and fact.lemma.check is not None:
        return fact.lemma.check()
    if fact.events:
        what = "its instance was read off the quantity" if fact.lemma else "the kernel's rule allows it"
        return Result(True, f"by construction: {what}; it may fail with probability {fact.spends}")
    from bounds.proofs.world import checked

    return checked(fact)
