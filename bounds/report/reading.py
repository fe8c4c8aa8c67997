"""Reading a report: which bound answers, in which words, what would lower it, what to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

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
_ASKED = 3  # assumptions that nobody declared, named in one line


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
        advice=tuple(_advice(report, outcome, bound)),
        cautions=tuple(_cautions(report)),
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
                "All labeled items are of one class, which naming that class gets right: no certificate can beat it "
                f"(the nearest, {bound.name}, says {says})."
            )
        return (
            f"No certificate beats naming the most frequent class, which errs on {constant}: the nearest, "
            f"{bound.name}, says {says}, with {sure} confidence."
        )
    if bound is None:
        return "Nothing is certified: no bound on the error of a usable head applies to these data."
    error = _error(bound)
    if error >= 1:
        return "Nothing is certified, and nothing would be informative if its assumptions held."
    return (
        f"Nothing is certified. If its assumptions held, {bound.name} would say that the {head_in_words(bound)} errs on "
        f"at most {percent(error, up=True)} of new {what}s, with {sure} confidence."
    )


# What would lower it


def _advice(report: Report, outcome: Outcome, bound: Bound | None) -> Iterator[Advice]:
    if bound is None:
        return
    if outcome == "nothing":
        for one in bound.failing:
            yield Advice(f"{one.name} ({one.title})", one.reason)
        return
    yield from _more_data(bound)
    if "H" not in bound.assumptions and "N" not in report.quantities:
        yield _a_test_set(report)
    yield from _better_head(report, bound)
    if family(bound) != "counting":
        largest = max(bound.terms.values(), key=lambda term: term.value, default=None)
        if largest is not None and largest.lowered_by:
            share = percent(largest.value / sum(max(term.value, 0.0) for term in bound.terms.values()))
            yield Advice(largest.lowered_by, f"the term {largest.name} is {share} of {bound.name}")


def _more_data(bound: Bound) -> Iterator[Advice]:
    """Half of what more data can remove, by the plan; or that they would remove nothing."""
    try:
        needs = plan(bound, 1e-12).needs
    except NotApplicable:
        return
    now = _error(bound)
    for which in ("labels", "pairs"):
        if which not in needs:
            continue
        unit, floor = _unit(bound, which), needs[which].floor
        if floor > (1 - _WORTHWHILE) * now:
            yield Advice(f"more {unit}s", f"no: {percent(floor, up=True)} with unlimited ones")
            continue
        found = plan(bound, (now + max(floor, 0.0)) / 2)
        need, present = found.needs[which], found.n if which == "labels" else found.m
        more = _size(need) - (present or 0)
        if need.reachable and more > 0:
            effect = f"{percent(need.value, up=True)}; {percent(floor, up=True)} with unlimited ones"
            yield Advice(count(more, f"more {unit}"), effect)


def _unit(bound: Bound, which: str) -> str:
    if which == "pairs":
        return "pair"
    if "H" in bound.assumptions:
        return "test label"
    return "label" if "n" in bound.symbols or "n_min" in bound.symbols else "held-out label"


def _size(need: Need) -> int:
    return (need.n if need.which == "labels" else need.m) or 0


def _a_test_set(report: Report) -> Advice:
    """What counting would say of labels nobody fitted anything on, at the error seen on a held-out part of S."""
    held = report.bounds.get("held_out")
    rate = 0.0 if held is None else held.symbols["mistakes"] / held.symbols["N"]
    limit = clopper_pearson_upper(round(rate * _NEW_LABELS), _NEW_LABELS, report.delta)
    at = f"at the held-out error of {percent(rate)}" if held is not None else "without a mistake"
    return Advice(f"a test set of {_NEW_LABELS} fresh labels", f"{percent(limit, up=True)} by counting, {at}")


def _better_head(report: Report, bound: Bound) -> Iterator[Advice]:
    own = report.measured.get(bound.head or "")
    others = {name: losses["error"] for name, losses in report.measured.items() if name != bound.head}
    if own is None or not others:
        return
    name = min(others, key=lambda one: others[one])
    if others[name] < own["error"]:
        yield Advice(
            f"another head: {name}", f"measured {percent(others[name])} in place of {percent(own['error'])}"
        )


# What to know


def _cautions(report: Report) -> Iterator[str]:
    yield from leaks(report)
    affected = _affected(report)
    asked = []
    for name, number in affected.items():
        one = report.assumptions[name]
        if one.status == "unverifiable":
            asked.append(name)
        elif one.test is not None and one.test.refuted:
            yield (
                f"{name} is refuted by the data ({one.test.name}, p = {significant(one.test.p_value, 2, up=True)}): "
                f"{_estimates(number)}. {name} says: {one.title}."
            )
        elif one.holds:
            yield from _doubted(report, name)
        else:
            yield f"{name} fails ({one.reason}): {_estimates(number)}."
    if asked:
        names = ", ".join(asked[:_ASKED]) + (
            f" and {len(asked) - _ASKED} more" if len(asked) > _ASKED else ""
        )
        resting = sum(any(one.name in asked for one in bound.failing) for bound in report)
        hint = report.assumptions[asked[0]].reason
        them = "it" if len(asked) == 1 else "them"
        yield f"Not shown: {names}; {_estimates(resting, them)} ({hint})."
    for bound in report:
        if bound.contradiction is not None:
            yield f"{bound.name} is withheld: {bound.contradiction}."
    if "m" not in report.quantities:
        yield "No pairs were given: bounds that rest on unlabeled data are not here."
    if "N" not in report.quantities:
        yield "No test set was given: nothing is measured beside the certificates."
    yield from (f"{note}." for note in report.notes)


def _doubted(report: Report, name: str) -> Iterator[str]:
    """Of an assumption that holds of the data, the bounds that find it does not serve them, by their reason."""
    found: dict[str, list[str]] = {}
    for bound in report:
        own = bound.assumptions.get(name)
        if bound.kind == "bound" and own is not None and not own.holds:
            found.setdefault(own.reason, []).append(bound.name)
    for reason, bounds in found.items():
        are = "is an estimate" if len(bounds) == 1 else "are estimates"
        yield f"{' and '.join(bounds)} {are}: {reason}."


def _affected(report: Report) -> Mapping[str, int]:
    """Assumptions of the data that do not hold, refuted ones first, and how many bounds they turn into estimates."""
    found: dict[str, int] = {}
    for bound in report:
        if bound.kind == "bound":
            for one in bound.failing:
                if one.name in report.assumptions and one.name != "constants":
                    found[one.name] = found.get(one.name, 0) + 1
    a1 = report.assumptions.get("A1")
    expected = {"A1'"} if a1 is not None and a1.holds else set()  # class pairs are no augmentation pairs

    def order(name: str) -> tuple[bool, bool]:
        one = report.assumptions[name]
        return one.test is None or not one.test.refuted, one.status == "unverifiable"

    return {name: found[name] for name in sorted(found, key=order) if name not in expected}


def _estimates(number: int, what: str = "it") -> str:
    """How many bounds rest on something, and what that makes of them."""
    are = "is an estimate" if number == 1 else "are estimates"
    return f"{count(number, 'bound')} resting on {what} {are}"


def leaks(report: Report) -> list[str]:
    """What was found about copies in the data, a sentence each."""
    notes = [note for name in ("test_set", "held_out") if name in report for note in report[name].notes]
    return [f"{note}." for note in dict.fromkeys(notes) if "copies of" in note or "repeat another" in note]
