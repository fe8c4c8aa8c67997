"""Duels, rankings and certificates to a target as text: what is decided, how sure, what is left to do."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bounds.duels.certification import Certification
    from bounds.duels.duel import Duel
    from bounds.duels.labeling import Labeling
    from bounds.duels.paired import Paired
    from bounds.duels.ranking import Ranking


def duel_text(duel: Duel) -> str:
    """Verdict, interval, what more labels would do."""
    a, b = duel.names
    share = duel.disagreement
    low, high = duel.interval
    said = {
        "a": f"{a} errs less than {b}",
        "b": f"{b} errs less than {a}",
        "within margin": f"{a} and {b} differ by less than {percent(duel.margin)}",
        "undecided": "Which of the two errs less is not decided",
    }[duel.verdict]
    counts = duel.counts
    lines = [
        f"duel · {a} against {b} · {duel.panel.count:,} items, {share.count:,} on which they differ "
        f"(between {percent(share.low, down=True)} and {percent(share.high, up=True)} of all)",
        "",
        f"  {said}{_sure(duel) if duel.verdict != 'undecided' else ''}.",
        f"  {duel.labels:,} labels: {counts['a']} where only {a} is right, {counts['b']} where only {b} is, "
        f"{counts['neither']} where neither is{_unsure(counts['cannot tell'])}.",
        f"  err({b}) − err({a}) lies between {points(low, down=True)} and {points(high, up=True)} points"
        f"{_sure(duel)}, whenever one stops.",
    ]
    if duel.margin:
        held = [name for key, name in (("a", a), ("b", b)) if f"{key} not worse" in duel.claims]
        worse = " and ".join(held) if held else "neither is certified to be"
        lines.append(f"  Not worse by more than {percent(duel.margin)}: {worse}.")
    if duel.verdict == "undecided":
        more, left = duel.labels_needed, len(duel.to_label)
        unseen = (
            f"No decision is in sight among the {left:,} items left" if left else "No item is left to label"
        )
        lines.append(f"  {unseen}." if more is None else f"  About {more:,} more labels decide at this rate.")
    if duel.paired is not None:
        one = duel.paired
        lines += [
            "",
            f"  On {one.count:,} labeled test items, by itself: {points(one.interval[0], down=True)} to "
            f"{points(one.interval[1], up=True)} points (exact p = {one.p_value:.2g}){_separate(one)}.",
        ]
    return _with_notes(lines, duel)


def _separate(one: Paired) -> str:
    limits = one.separate
    if limits is None:
        return ""
    return f"; two separate limits say {points(limits[0], down=True)} to {points(limits[1], up=True)}"


def certification_text(one: Certification) -> str:
    """Verdict, limit, what more labels would do."""
    target = percent(one.target)
    said = {
        "certified": f"The error rate is below {target}{_sure(one)}",
        "refuted": f"The error rate is not below {target}{_sure(one)}",
        "undecided": f"Whether the error rate is below {target} is not decided",
    }[one.verdict]
    lines = [
        f"certify · {one.panel.names[0]} · {one.panel.count:,} items",
        "",
        f"  {said}.",
        f"  {one.mistakes} mistakes among {one.read:,} items: the error rate is at most "
        f"{percent(one.error, up=True)}{_sure(one)}, whenever one stops.",
    ]
    if one.verdict == "undecided":
        more = one.labels_needed
        rate = "at this rate" if one.read else f"if the error rate is {percent(one.target / 2)}"
        lines.append(
            f"  About {more:,} more labels decide {rate}."
            if more is not None
            else "  No decision is in sight at this rate."
        )
    return _with_notes(lines, one)


def ranking_text(one: Ranking) -> str:
    """The set of the best, the order, what is left."""
    lines = [
        f"rank · {len(one.panel.names)} predictors · {one.panel.count:,} items, "
        f"{len(one.panel.rows):,} on which some differ",
        "",
        f"  The best is among: {', '.join(one.best)}{_sure(one)}, whenever one stops.",
        *_order(one),
        f"  {one.used:,} labels read; {len(one.to_label):,} items left to label.",
    ]
    return _with_notes(lines, one)


def _order(one: Ranking) -> list[str]:
    """Who errs less than whom, a line for each that errs less than somebody."""
    worse: dict[str, list[str]] = {}
    for better, other in one.order:
        worse.setdefault(better, []).append(other)
    lines = [f"  {name} errs less than {', '.join(others)}." for name, others in worse.items()]
    return [*lines[:-1], f"{lines[-1][:-1]}{_sure(one)} for all of these pairs."] if lines else []


def _with_notes(lines: list[str], one: Labeling) -> str:
    return "\n".join([*lines, *(f"  {note}" for note in one.notes)])


def _sure(one: Labeling) -> str:
    return f", with {(100 * (1 - Decimal(str(one.delta)))).normalize():f} % confidence"


def _unsure(count: int) -> str:
    return f", {count} where nobody can tell" if count else ""


def percent(x: float, *, up: bool = False, down: bool = False) -> str:
    """A rate with three digits; `up` never prints less, `down` never more."""
    exact = 100 * Decimal(repr(float(x)))  # the decimal that reads back as this number
    return f"{Context(prec=3, rounding=_rounding(up, down)).create_decimal(exact).normalize():f} %"


def points(x: float, *, up: bool = False, down: bool = False) -> str:
    """A difference of rates in points, signed, with two decimals; `up` never prints less, `down` never more."""
    exact = 100 * Decimal(repr(float(x)))
    return f"{exact.quantize(Decimal('0.01'), rounding=_rounding(up, down)):+}"


def _rounding(up: bool, down: bool) -> str:
    return ROUND_CEILING if up else ROUND_FLOOR if down else ROUND_HALF_EVEN
