"""Reading a report: which bound answers, in which words, what would lower it, what to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bounds.assumptions.assumption import Assumption
from bounds.errors import NotApplicable
from bounds.report.families import families, family
from bounds.report.format import confidence, count, percent, significant
from bounds.report.planning import Need, plan
from bounds.report.verdict import Advice, Measured, Outcome, Verdict
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from bounds.report.report import Report

_NEW_LABELS = 300  # a test set of this size is what is proposed where there is none
_WORTHWHILE = 0.05  # share of a bound that more data must remove to be worth a line
_HEADS = {"min-norm": "minimum-norm linear head", "nearest-mean": "nearest-class-mean head"}
_SHOWN = ("A2", "A3", "A7", "prior")  # assumptions that copies or counts refute
_ASKED = 3  # assumptions that nobody declared, named in one line
_NOTHING = 1e-4  # an error rate below it is called none in a projection


def verdict(report: Report) -> Verdict:
    """Read a report: the same report always reads the same."""
    outcome, bound = _outcome(report)
    return Verdict(
        outcome=outcome,
        answer=_answer(report, outcome, bound),
        bound=None if bound is None else bound.name,
        head=None if bound is None else head_in_words(bound),
        error=None if bound is None else bound.error_rate,
        confidence=1 - report.delta,
        measured=measured(report, (bound.head if bound else None) or str(report.provenance.get("head"))),
        wrong=tuple(_wrong(report)),
        advice=tuple(_advice(report, outcome, bound)),
        cautions=tuple(_cautions(report, bound if outcome == "nothing" else None)),
        families=families(report),
    )


def usable(bound: Bound) -> bool:
    """Whether anybody has the head that a bound is about: a fitted one, or one drawn around it."""
    return bound.head is not None or "random head" in bound.about


def head_in_words(bound: Bound) -> str:
    """The head of a bound, for people."""
    if bound.head is None:
        return bound.about
    name, _, rest = bound.head.partition(" on S without ")
    said = _HEADS.get(name, f"{name} head" if "head" not in name else name)
    return f"{said} (fitted without {rest})" if rest else said


def measured(report: Report, head: str | None) -> Measured | None:
    """The error of a head on the test items; None without them, or where it was not measured."""
    losses = report.measured.get(head or "")
    items = round(report.quantities.get("N_measured", report.quantities.get("N", 0)))
    if losses is None or not items:
        return None
    fresh = report.assumptions.get("H")
    mistakes, share = round(losses["error"] * items), report.delta / 2
    limits = (clopper_pearson_lower(mistakes, items, share), clopper_pearson_upper(mistakes, items, share))
    return Measured(losses["error"], items, limits if fresh is not None and fresh.holds else None)


def failing(bound: Bound) -> str:
    """Which assumptions of a bound do not hold, in a few words; empty where all do."""
    groups: dict[str, list[str]] = {}
    for one in bound.failing:
        groups.setdefault("fails" if one.status == "violated" else "not shown", []).append(one.name)
    return "; ".join(f"{', '.join(names)} {status}" for status, names in groups.items())


def items(report: Report) -> str:
    """What is classified: images where an encoder ran, else items."""
    return "image" if report.provenance.get("checkpoint") else "item"


# The answer


def _outcome(report: Report) -> tuple[Outcome, Bound | None]:
    best = report.best
    if best is not None and usable(best) and not best.vacuous_error:
        return "certified", best
    on_errors = [bound for bound in report if bound.error_rate is not None and _of_error(bound)]
    certified = [bound for bound in on_errors if bound.certified]
    if certified:
        return "vacuous", best or min(certified, key=_error)
    bounds = [bound for bound in on_errors if bound.kind == "bound" and bound.contradiction is None]
    return "nothing", min(bounds, key=_error, default=None)


def _of_error(bound: Bound) -> bool:
    """Whether it speaks of the plain error rate of a head, not of one class, of top-k or of what is answered."""
    return bound.axis.name in ("error", "loss") or not usable(bound)


def _error(bound: Bound) -> float:
    return float("inf") if bound.error_rate is None else bound.error_rate


def _answer(report: Report, outcome: Outcome, bound: Bound | None) -> str:
    sure, what = confidence(report.delta), items(report)
    constant = percent(report.quantities.get("trivial_error", 1.0))
    if outcome == "certified" and bound is not None:
        limit = percent(_error(bound), up=True)
        return f"The {head_in_words(bound)} errs on at most {limit} of new {what}s, with {sure} confidence."
    if outcome == "vacuous" and bound is not None:
        error = _error(bound)
        says = f"at most {percent(error, up=True)}" if error < 1 else "no less than everything"
        if report.quantities.get("classes_in_S") == 1:
            return (
                "All labeled items are of one class, and naming it always is right on them: no certificate can say more "
                f"(the nearest, {bound.name}, says {says} errors)."
            )
        return (
            f"No certificate beats always naming the most frequent class, which errs on {constant}: the nearest, "
            f"{bound.name}, says {says}, with {sure} confidence."
        )
    if bound is None:
        return "Nothing is certified: no bound on the error of a usable head applies to these data."
    error = _error(bound)
    if error >= 1:
        return "Nothing is certified, and no bound would be informative if its assumptions held."
    return (
        f"Nothing is certified. {bound.name} would say that the {head_in_words(bound)} errs on at most "
        f"{percent(error, up=True)} of new {what}s, with {sure} confidence, if what is missing below held."
    )


# What would lower it


def _advice(report: Report, outcome: Outcome, bound: Bound | None) -> Iterator[Advice]:
    if bound is None:
        return
    if outcome == "nothing":
        for one in bound.failing:
            yield Advice(_in_words(one), one.reason)
        return
    if report.quantities.get("classes_in_S") == 1:
        yield Advice("labels of a second class", "with one class there is nothing to tell apart")
        return
    yield from _more_data(report, bound)
    if "H" not in bound.assumptions and "N" not in report.quantities:
        yield from _a_test_set(report, bound)
    yield from _better_head(report, bound)
    if family(bound) != "counting":
        largest = max(bound.terms.values(), key=lambda term: term.value, default=None)
        if largest is not None and largest.lowered_by:
            share = percent(largest.value / sum(max(term.value, 0.0) for term in bound.terms.values()))
            yield Advice(largest.lowered_by, f"would lower {largest.name}, {share} of {bound.name}")


def _more_data(report: Report, bound: Bound) -> Iterator[Advice]:
    """Half of what more data can remove, by the plan; or that they would remove nothing that matters."""
    try:
        needs = plan(bound, 1e-12).needs
    except NotApplicable:
        return
    now, constant = _error(bound), report.quantities.get("trivial_error", 1.0)
    for which in ("labels", "pairs"):
        if which not in needs:
            continue
        unit, floor = _unit(bound, which), needs[which].floor
        if floor > (1 - _WORTHWHILE) * now:
            yield Advice(f"more {unit}s", f"would not help; {_projected(floor)} with any number of them")
            continue
        if floor >= constant:
            yield Advice(
                f"more {unit}s", f"would not help; {_projected(floor)} with any number of them, still vacuous"
            )
            continue
        found = plan(bound, (now + max(floor, 0.0)) / 2)
        need, present = found.needs[which], found.n if which == "labels" else found.m
        more = _size(need) - (present or 0)
        if need.reachable and more > 0:
            effect = (
                f"about {_projected(need.value)} if the measured error stays; {_projected(floor)} at best"
            )
            yield Advice(count(_rounded(more), f"more {unit}"), effect)


def _projected(rate: float) -> str:
    """A projection, which is no certificate: what nobody could tell from none is called 0 %."""
    return "0 %" if abs(rate) < _NOTHING else percent(rate, up=True)


def _rounded(number: int) -> int:
    """Up to two digits: a projection knows no more."""
    unit: int = 10 ** max(len(str(number)) - 2, 0)
    return -(-number // unit) * unit


def _unit(bound: Bound, which: str) -> str:
    if which == "pairs":
        return "pair"
    if "H" in bound.assumptions:
        return "test label"
    return "label" if "n" in bound.symbols or "n_min" in bound.symbols else "held-out label"


def _size(need: Need) -> int:
    return (need.n if need.which == "labels" else need.m) or 0


def _a_test_set(report: Report, bound: Bound) -> Iterator[Advice]:
    """What counting would say of labels nobody fitted anything on, at the error seen on a held-out part of S."""
    held = report.bounds.get("held_out")
    rate = 0.0 if held is None else held.symbols["mistakes"] / held.symbols["N"]
    limit = clopper_pearson_upper(round(rate * _NEW_LABELS), _NEW_LABELS, report.delta)
    if limit >= min(_error(bound), report.quantities.get("trivial_error", 1.0)):
        return
    at = (
        f"if the held-out error of {percent(rate)} stays"
        if held is not None
        else "if none of them is a mistake"
    )
    yield Advice(
        f"a test set of {_NEW_LABELS} fresh labels", f"about {percent(limit, up=True)} by counting, {at}"
    )


def _better_head(report: Report, bound: Bound) -> Iterator[Advice]:
    """A head whose measured error lies below the interval of this one's: less is noise."""
    own = measured(report, bound.head)
    others = {name: losses["error"] for name, losses in report.measured.items() if name != bound.head}
    if own is None or not others:
        return
    name = min(others, key=lambda one: others[one])
    if others[name] < clopper_pearson_lower(round(own.error * own.items), own.items, report.delta / 2):
        yield Advice(
            f"the head {name}",
            f"measured {percent(others[name])} on the same test {items(report)}s, in place of {percent(own.error)}",
        )


# What is wrong with the data


def _wrong(report: Report) -> Iterator[str]:
    """Copies, and assumptions that the data refute."""
    yield from leaks(report)
    for one in filter(_found_false, _failing(report)):
        if one.test is not None and one.test.refuted:
            yield (
                f"{_in_words(one)} is refuted by the data ({one.test.name}, "
                f"p = {significant(one.test.p_value, 2, up=True)}): {_resting(report, [one])}."
            )
        else:
            yield f"{_in_words(one)} fails: {one.reason}. {_resting(report, [one])}."


def _found_false(one: Assumption) -> bool:
    """Whether the data show that an assumption fails, not the caller's word or the kind of the pairs."""
    if one.status != "violated" or one.reason.startswith("declared"):
        return False
    return one.name in _SHOWN or (one.test is not None and one.test.refuted)


# What to know


def _cautions(report: Report, nearest: Bound | None) -> Iterator[str]:
    """Assumptions that fail or that nobody declared, contradictions, what was not given.

    Args:
        report: What to read.
        nearest: The bound whose failing assumptions the advice names already.
    """
    said = set() if nearest is None else {(one.name, one.reason) for one in nearest.failing}
    asked: dict[str, list[Assumption]] = {}
    for one in _failing(report):
        if (one.name, one.reason) in said or _found_false(one):
            continue
        if one.status == "unverifiable":
            asked.setdefault(one.reason, []).append(one)
        else:
            yield f"{_in_words(one)} fails: {one.reason}. {_resting(report, [one])}."
    for reason, them in asked.items():
        names = ", ".join(_in_words(one) for one in them[:_ASKED])
        more = f" and {len(them) - _ASKED} more" if len(them) > _ASKED else ""
        yield f"Not shown: {names}{more}. {_resting(report, them)}: {reason}."
    for bound in report:
        if bound.contradiction is not None:
            yield f"{bound.name} is withheld: {bound.contradiction}."
    if "m" not in report.quantities:
        yield "No pairs were given: bounds that rest on unlabeled data are not here."
    if "N" not in report.quantities:
        yield "No test set was given: nothing is measured beside the certificates."
    yield from (f"{note}." for note in report.notes)


def _failing(report: Report) -> list[Assumption]:
    """Assumptions of the data that do not hold, each with each of its reasons, refuted ones first."""
    options = report.provenance.get("options")
    paired = options.get("pairs") if isinstance(options, Mapping) else None
    expected = {"A1'"} if paired == "class" else set()  # class pairs are no augmentation pairs
    found = {
        (one.name, one.reason): one
        for bound in report
        if bound.kind == "bound"
        for one in bound.failing
        if one.name in report.assumptions and one.name != "constants" and one.name not in expected
    }

    def order(one: Assumption) -> tuple[bool, bool]:
        return one.test is None or not one.test.refuted, one.status == "unverifiable"

    return sorted(found.values(), key=order)


def _in_words(one: Assumption) -> str:
    return f"{one.name} ({one.title})" if one.title != one.name else one.name


def _resting(report: Report, them: list[Assumption]) -> str:
    """How many bounds rest on assumptions that do not hold, and what that makes of them."""
    reasons = {(one.name, one.reason) for one in them}
    number = sum(
        any((one.name, one.reason) in reasons for one in bound.failing)
        for bound in report
        if bound.kind == "bound"
    )
    what = "it" if len(them) == 1 else "them"
    are = "is an estimate" if number == 1 else "are estimates"
    return f"{count(number, 'bound')} resting on {what} {are}"


def leaks(report: Report) -> list[str]:
    """What was found about copies in the data, a sentence each."""
    notes = [note for name in ("test_set", "held_out") if name in report for note in report[name].notes]
    return [f"{note}." for note in dict.fromkeys(notes) if "copies of" in note or "repeat another" in note]
