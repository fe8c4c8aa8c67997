"""Duels, rankings and certificates to a target as text: what is decided, how sure, what is left to do."""

from __future__ import annotations

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
        "within margin": f"{a} and {b} differ by less than {_percent(duel.margin)}",
        "undecided": "Which of the two errs less is not decided",
    }[duel.verdict]
    counts = duel.counts
    lines = [
        f"duel · {a} against {b} · {duel.panel.count:,} items, {share.count:,} on which they differ "
        f"(between {_percent(share.low)} and {_percent(share.high)} of all)",
        "",
        f"  {said}{_sure(duel) if duel.verdict != 'undecided' else ''}.",
        f"  {duel.labels:,} labels: {counts['a']} where only {a} is right, {counts['b']} where only {b} is, "
        f"{counts['neither']} where neither is{_unsure(counts['cannot tell'])}.",
        f"  err({b}) − err({a}) lies between {_points(low)} and {_points(high)} points{_sure(duel)}, whenever one stops.",
    ]
    if duel.margin:
        held = [name for key, name in (("a", a), ("b", b)) if f"{key} not worse" in duel.claims]
        worse = " and ".join(held) if held else "neither is certified to be"
        lines.append(f"  Not worse by more than {_percent(duel.margin)}: {worse}.")
    if duel.verdict == "undecided":
        more = duel.labels_needed
        lines.append(
            f"  About {more:,} more labels decide at this rate."
            if more is not None
            else f"  No decision is in sight among the {len(duel.to_label):,} items left."
        )
    if duel.paired is not None:
        one = duel.paired
        lines += [
            "",
            f"  On {one.count:,} labeled test items, by itself: {_points(one.interval[0])} to "
            f"{_points(one.interval[1])} points (exact p = {one.p_value:.2g}){_separate(one)}.",
        ]
    return _with_notes(lines, duel)


def _separate(one: Paired) -> str:
    limits = one.separate
    if limits is None:
        return ""
    return f"; two separate limits say {_points(limits[0])} to {_points(limits[1])}"


def certification_text(one: Certification) -> str:
    """Verdict, limit, what more labels would do."""
    target = _percent(one.target)
    said = {
        "certified": f"The error rate is below {target}{_sure(one)}",
        "refuted": f"The error rate is not below {target}{_sure(one)}",
        "undecided": f"Whether the error rate is below {target} is not decided",
    }[one.verdict]
    lines = [
        f"certify · {one.panel.names[0]} · {one.panel.count:,} items",
        "",
        f"  {said}.",
        f"  {one.mistakes} mistakes among {one.read:,} items: the error rate is at most {_percent(one.error)}{_sure(one)}, "
        "whenever one stops.",
    ]
    if one.verdict == "undecided":
        more = one.labels_needed
        rate = "at this rate" if one.read else f"if the error rate is {_percent(one.target / 2)}"
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
        f"  {one.used:,} labels read; {len(one.to_label):,} items left to label.",
    ]
    if one.order:
        lines.append(f"  In order{_sure(one)}: " + "; ".join(f"{a} before {b}" for a, b in one.order) + ".")
    return _with_notes(lines, one)


def _with_notes(lines: list[str], one: Labeling) -> str:
    return "\n".join([*lines, *(f"  {note}" for note in one.notes)])


def _sure(one: Labeling) -> str:
    return f", with {100 * (1 - one.delta):.4g} % confidence"


def _unsure(count: int) -> str:
    return f", {count} where nobody can tell" if count else ""


def _percent(x: float) -> str:
    return f"{100 * x:.3g} %"


def _points(x: float) -> str:
    return f"{100 * x:+.2f}"
