"""Duels, rankings and certificates of random predictors, answered in any order, in parts, with gaps and contradictions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bounds.duels import load
from bounds.duels.answers import UNSURE
from bounds.duels.certification import Certification
from bounds.duels.duel import Duel
from bounds.duels.labeling import Labeling
from bounds.duels.panel import Panel
from bounds.duels.ranking import Ranking
from bounds.errors import InvalidData

CLASSES = 3
EXAMPLES = 12


@st.composite
def labelings(draw: Any, kinds: tuple[type[Labeling], ...] = (Duel, Ranking, Certification)) -> Any:
    """(a function that makes the same labeling anew, labels of its items by row)."""
    kind = draw(st.sampled_from(kinds))
    count = draw(st.one_of(st.integers(1, 6), st.integers(7, 40)))
    predictors = {Duel: 2, Certification: 1}.get(kind) or draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = rng.integers(CLASSES, size=count)
    errors = rng.choice([0.0, 0.1, 0.5, 1.0], size=predictors)
    columns = {}
    for at, error in enumerate(errors):
        said = np.where(rng.random(count) < error, rng.integers(-1, CLASSES, count), labels)
        columns[str(at)] = said.astype(np.int32)
    first = leaked = None
    if draw(st.booleans()):
        groups = rng.integers(0, max(1, count // 2), count)
        _, where, inverse = np.unique(groups, return_index=True, return_inverse=True)
        first = where[inverse]
        labels = labels[first]  # equal inputs: equal predictions and one label
        columns = {name: one[first] for name, one in columns.items()}
    if draw(st.booleans()):
        leaked = rng.random(count) < 0.2
        leaked = leaked if first is None else leaked[first]
    told = np.where(rng.random(count) < draw(st.sampled_from([0.0, 0.3])), UNSURE, labels)
    told = told if first is None else told[first]
    options: dict[str, Any] = {
        "delta": draw(st.sampled_from([0.9, 0.5, 0.05])),
        "repeats": draw(st.sampled_from([None, "keep", "drop"])),
        "seed": draw(st.integers(0, 10)),
    }
    if kind is Duel:
        options["margin"] = draw(st.sampled_from([0.0, 0.1, 0.9]))
    elif kind is Ranking:
        options["goal"] = draw(st.sampled_from(["best", "order"]))
    else:
        options["target"] = draw(st.sampled_from([0.05, 0.5, 0.9]))
    names = draw(st.sampled_from([None, ("x", "y", "z")]))
    panel = Panel.of(columns, first=first, leaked=leaked, class_names=names)
    return (lambda: kind(panel, **options)), told


def said(one: Labeling) -> Any:
    """All that a labeling says."""
    found = [one.verdict, one.to_label.tolist(), one.labels, str(one)]
    if isinstance(one, Duel):
        found += [one.interval, one.claims, one.counts, one.e_values, one.labels_needed]
    elif isinstance(one, Ranking):
        found += [one.best, one.order, one.used]
    elif isinstance(one, Certification):
        found += [one.error, one.mistakes, one.read, one.labels_needed]
    return found


def answers(told: np.ndarray, rows: Any) -> list[int | None]:
    """What whoever labels says of these rows."""
    return [None if told[row] == UNSURE else int(told[row]) for row in rows]


@settings(max_examples=EXAMPLES)
@given(labelings(), st.data())
def test_answers_in_parts_and_in_any_order_say_what_they_say_at_once(made: Any, data: Any) -> None:
    make, told = made
    whole, parts = make(), make()
    asked = whole.answers.asked
    share = data.draw(st.sampled_from([0.3, 0.8, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    given_rows = rng.permutation(asked)[: math.ceil(share * len(asked))]
    whole.add(given_rows, answers(told, given_rows))
    for part in np.array_split(given_rows, 3):
        parts.add(part, answers(told, part))
        said(parts)  # reading in between changes nothing
    assert said(parts) == said(whole)
    assert whole.labels == len(given_rows)
    assert not set(whole.to_label.tolist()) & set(given_rows.tolist())


@settings(max_examples=EXAMPLES)
@given(labelings(), st.data())
def test_what_cannot_be_an_answer_changes_nothing(made: Any, data: Any) -> None:
    make, told = made
    one = make()
    asked = one.answers.asked
    assume(len(asked))
    some = asked[: data.draw(st.integers(1, len(asked)))]
    one.add(some, answers(told, some))
    before = said(one)
    row = int(data.draw(st.sampled_from(some.tolist())))
    other = (int(told[row]) + 1) % CLASSES
    never = sorted(set(range(one.panel.count)) - set(one.answers.panel.representative(asked).tolist()))
    never = [r for r in never if r == one.panel.representative(np.array([r]))[0]]
    wrong: list[tuple[list[Any], list[Any]]] = [
        ([*asked[len(some) :], row], [*answers(told, asked[len(some) :]), other]),  # contradicts
        ([row, row], answers(told, [row, row])),
        ([one.panel.count], [0]),
        ([row], [2**31]),
        ([row], ["?"]),
        ([row], []),
        *(([r], [0]) for r in never[:1]),
    ]
    for items, labels in wrong:
        with pytest.raises(InvalidData) as refused:
            one.add(items, labels)
        assert "\n" not in str(refused.value)
        assert said(one) == before


@settings(max_examples=EXAMPLES)
@given(made=labelings())
def test_a_saved_state_says_the_same_and_goes_on_alike(made: Any, tmp_path_factory: Any) -> None:
    make, told = made
    one = make()
    path = tmp_path_factory.mktemp("state") / "state.json"
    some = one.to_label[: max(1, len(one.to_label) // 2)]
    one.add(some, answers(told, some))
    one.save(path)
    again = load(path)
    assert said(again) == said(one)
    for each in (one, again):
        while len(rows := each.to_label):
            each.add(rows[:5], answers(told, rows[:5]))
    assert said(again) == said(one)


@settings(max_examples=EXAMPLES)
@given(labelings((Duel,)))
def test_limits_never_widen_and_claims_never_fall_as_answers_come(made: Any) -> None:
    make, told = made
    one = make()
    low, high, claims = *one.interval, one.claims
    while len(rows := one.to_label):
        one.add(rows[:3], answers(told, rows[:3]))
        assert low <= one.interval[0] + 1e-9
        assert one.interval[1] <= high + 1e-9
        assert claims <= one.claims
        low, high, claims = *one.interval, one.claims
    assert not {"a", "b"} <= one.claims


def wealth(plus: int, minus: int) -> Fraction:
    """The wealth of bets on + by its sum over binomial coefficients, exactly."""
    n = plus + minus
    return Fraction(sum(math.comb(n + 1, k) for k in range(plus + 1)), (n + 1) * math.comb(n, plus))


@settings(max_examples=EXAMPLES)
@given(labelings((Duel,)), st.data())
def test_claims_and_counts_are_those_of_the_definition(made: Any, data: Any) -> None:
    make, told = made
    one = make()
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    asked = one.to_label
    given_rows = asked[rng.random(len(asked)) < data.draw(st.sampled_from([0.5, 0.95, 1.0]))]
    one.add(given_rows, answers(told, given_rows))
    panel = one.panel
    known = {int(panel.representative(np.array([row]))[0]) for row in given_rows}
    a, b = np.zeros((2, panel.count), int)
    a[panel.rows], b[panel.rows] = panel.predicted
    found = []
    for rows in one.answers.readings:
        signs, best = [0, 0, 0], {"a": Fraction(1), "b": Fraction(1)}
        for row in rows.tolist():
            key = row if panel.first is None else int(panel.first[row])
            if a[row] == b[row] or (panel.leaked is not None and panel.leaked[row]):
                continue
            if key not in known:
                break
            signs[0] += a[row] == told[row]
            signs[1] += b[row] == told[row]
            signs[2] += told[row] == UNSURE
            plus, minus, unsure = map(int, signs)
            best["a"] = max(best["a"], wealth(plus, minus + unsure))
            best["b"] = max(best["b"], wealth(minus, plus + unsure))
        found.append({name for name, most in best.items() if most >= 2 / Fraction(str(one.delta))})
    assert {"a", "b"} & one.claims == set.intersection(*found)


@settings(max_examples=EXAMPLES)
@given(labelings((Ranking,)))
def test_an_order_has_no_circles_and_somebody_is_best(made: Any) -> None:
    make, told = made
    one = make()
    while len(rows := one.to_label):
        one.add(rows[:4], answers(told, rows[:4]))
    order = set(one.order)
    assert one.best
    assert not any((j, i) in order for i, j in order)
    assert {(i, k) for i, j in order for h, k in order if j == h} <= order


@settings(max_examples=EXAMPLES)
@given(labelings((Certification,)))
def test_the_limit_of_a_certificate_never_rises_and_agrees_with_its_verdict(made: Any) -> None:
    make, told = made
    one = make()
    before = 1.0
    while len(rows := one.to_label):
        one.add(rows[:5], answers(told, rows[:5]))
        assert one.error <= before + 1e-9
        before = one.error
        # At δ < 1/e a target is certified if and only if the limit is below it.
        if one.delta == 0.05 and abs(one.error - one.target) > 1e-6:
            assert (one.verdict == "certified") == (one.error < one.target)
