"""A ranking: who may be the best, and what is asked and skipped."""

import itertools

import numpy as np
import pytest

import bounds
from bounds.duels import load
from bounds.duels.signs import log_sign_e_value
from bounds.errors import InvalidOption

R = np.random.default_rng(0)
N, ERRORS = 2000, (0.05, 0.15, 0.2, 0.3)
TRUTH = R.integers(0, 5, N)
COLUMNS = {f"p{i}": np.where(R.random(N) < e, (TRUTH + 1 + i) % 5, TRUTH) for i, e in enumerate(ERRORS)}


def answer(one, count):
    rows = one.to_label[:count]
    one.add(rows, TRUTH[rows])


def slow(columns, rows, goal, delta=0.05):
    """The definition, item by item: (who remains, pairs that are sure, how many labels were read)."""
    names, remaining = list(columns), set(columns)
    counts = {(i, j): [0, 0] for i in names for j in names if i != j}
    used, sure = 0, set()

    def decided(i, j):
        return bool({(i, j), (j, i)} & sure) if goal == "order" else not {i, j} <= remaining

    for row in rows:
        said = {name: columns[name][row] for name in names}
        if all(said[i] == said[j] or decided(i, j) for i, j in counts):
            continue
        used += 1
        for (i, j), (plus, minus) in counts.items():
            if said[i] != said[j] and not decided(i, j):
                counts[i, j] = [plus + (said[i] == TRUTH[row]), minus + (said[j] == TRUTH[row])]
        wealth = {pair: np.exp(log_sign_e_value(*one)) for pair, one in counts.items()}
        sure |= {pair for pair, one in wealth.items() if one >= len(wealth) / delta}
        for k, i, j in itertools.product(names, names, names):
            if {(i, k), (k, j)} <= sure:
                sure.add((i, j))
        mean = {j: sum(wealth[i, j] for i in names if i != j) / (len(names) - 1) for j in remaining}
        remaining -= {j for j in remaining if mean[j] >= 1 / delta and len(remaining) > 1}
    return [name for name in names if name in remaining], sure, used


@pytest.mark.parametrize("goal", ["best", "order"])
@pytest.mark.parametrize("step", [37, N])
def test_the_set_of_the_best_and_the_order_are_those_of_the_definition(goal, step):
    one = bounds.rank(COLUMNS, goal=goal, seed=3, num_classes=5)
    order = one.answers.order
    union = order[np.isin(order, one.panel.rows)]
    assert one.to_label.tolist() == union.tolist()
    while len(one.to_label):
        answer(one, step)
    best, sure, used = slow(COLUMNS, union, goal)
    assert one.best == best == ["p0"]
    assert one.verdict == "p0"
    assert set(one.order) == sure
    assert one.used == used < len(union)
    if goal == "order":
        assert {("p0", "p1"), ("p0", "p2"), ("p0", "p3"), ("p1", "p3"), ("p2", "p3")} <= sure
        assert "p0 errs less than p1, p2, p3." in str(one)
    if step < N:
        assert one.labels < len(union)


def test_equal_predictors_all_stay():
    same = dict.fromkeys("abc", COLUMNS["p0"])
    one = bounds.rank(same)
    assert one.best == ["a", "b", "c"]
    assert not len(one.to_label)


def test_cannot_tell_removes_nobody(tmp_path):
    one = bounds.rank(COLUMNS)
    rows = one.to_label
    one.add(rows, [None] * len(rows))
    assert len(one.best) == 4
    assert one.order == []
    order = bounds.rank(COLUMNS, goal="order")
    while len(order.to_label) > 300:
        answer(order, 100)
    assert order.order
    for made in (one, order):
        made.save(tmp_path / "state.json")
        again = load(tmp_path / "state.json")
        assert str(again) == str(made)
        assert again.to_label.tolist() == made.to_label.tolist()
    with pytest.raises(InvalidOption, match="at least two"):
        bounds.rank({"a": TRUTH})


def test_a_target():
    predicted = np.where(R.random(N) < 0.02, (TRUTH + 1) % 5, TRUTH)
    for target, verdict in ((0.08, "certified"), (0.004, "refuted")):
        one = bounds.certify(predicted, target=target, num_classes=5)
        expected = one.labels_needed
        assert one.error == 1.0
        while one.verdict == "undecided":
            answer(one, 10)
        assert one.verdict == verdict
        assert 0 < one.labels < 10 * expected
        assert (one.error < target) == (verdict == "certified")
        assert one.labels_needed == 0
    other = bounds.certify(predicted, target=0.08)
    rows = other.to_label[:200]
    other.add(rows, ["cannot tell"] * 200)
    assert other.verdict == "undecided"
    assert other.mistakes == 200


@pytest.mark.slow
def test_a_million_items_and_ten_predictors_fit():
    import tracemalloc

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 100, 10**6, dtype=np.int32)
    columns = {str(i): np.where(rng.random(10**6) < 0.1, 0, truth).astype(np.int32) for i in range(10)}
    tracemalloc.start()
    one = bounds.rank(columns)
    assert len(one.to_label) == len(one.panel.rows) - 0
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept <= 8 * 10 * 10**6


@pytest.mark.parametrize(("classes", "size"), [(2**7, 1), (2**7 + 1, 2), (2**15, 2), (2**15 + 1, 4)])
def test_classes_are_kept_in_the_smallest_type_that_holds_them(classes, size):
    truth = np.array([classes - 1, 0, 1, classes - 1])
    found = bounds.rank({"right": truth, "other": np.array([classes - 1, 0, 1, -1])})
    assert found.panel.predicted.itemsize == size
    assert found.panel.predicted.tolist() == [[classes - 1], [-1]]
    assert found.to_label.tolist() == [3]
