"""A duel from predictions: what is asked, what counts, what is said, and what is refused."""

import json

import numpy as np
import pytest

import bounds
from bounds.duels import load, mcnemar_p_value, paired
from bounds.errors import InvalidData, InvalidOption, NotApplicable

R = np.random.default_rng(0)
N = 3000
TRUTH = R.integers(0, 10, N)
A = np.where(R.random(N) < 0.1, (TRUTH + 1) % 10, TRUTH)
B = np.where(R.random(N) < 0.06, (A + 1) % 10, A)


def answered(duel, labels=TRUTH, count=None):
    rows = duel.to_label[:count]
    duel.add(rows, labels[rows])
    return duel


def test_only_disagreements_are_asked_in_a_random_order_that_answers_do_not_change():
    duel = bounds.duel(A, B)
    asked = duel.to_label
    assert sorted(asked) == np.flatnonzero(A != B).tolist()
    assert asked.tolist() != sorted(asked)
    assert bounds.duel(A, B, seed=1).to_label.tolist() != asked.tolist()
    answered(duel, count=10)
    assert duel.to_label.tolist() == asked[10:].tolist()


def test_a_few_labels_decide_and_the_interval_has_the_difference():
    duel = bounds.duel(A, B, num_classes=10)
    while duel.verdict == "undecided":
        answered(duel, count=1)
    assert (duel.verdict, duel.winner) == ("a", "a")
    assert duel.labels < 40
    assert duel.e_values["a"] >= 2 / duel.delta
    assert duel.labels_needed == 0
    truth = float((B != TRUTH).mean() - (A != TRUTH).mean())
    low, high = duel.interval
    assert low < truth < high
    answered(duel)
    low, high = duel.interval
    assert 0 < low < truth < high
    # Swapped, everything is mirrored.
    other = answered(bounds.duel(B, A, num_classes=10))
    assert other.verdict == "b"
    assert other.interval == pytest.approx((-high, -low), abs=1e-8)


def test_the_exact_comparison_needs_all_labels_and_is_the_one_of_the_test_set():
    duel = bounds.duel(A, B)
    with pytest.raises(NotApplicable, match="have no answer yet"):
        _ = duel.fixed_size
    found = answered(duel).fixed_size
    plus, minus = ((one == TRUTH) & (A != B) for one in (A, B))
    assert (found.plus, found.minus) == (plus.sum(), minus.sum())
    assert found.p_value == mcnemar_p_value(found.plus, found.minus)
    assert found.separate is None
    beside = paired(A, B, TRUTH, 0.05)
    assert beside.interval == found.interval
    width = [high - low for low, high in (beside.interval, beside.separate)]
    assert width[0] < 0.6 * width[1]


def test_labels_at_hand_decide_at_once():
    duel = bounds.duel(A, B, test=TRUTH)
    assert duel.verdict == "a"
    assert duel.paired == paired(A, B, TRUTH, 0.05)
    assert "two separate limits say" in str(duel)


def test_later_answers_wait_for_the_first_missing_one():
    duel = bounds.duel(A, B)
    asked = duel.to_label
    duel.add(asked[1:], TRUTH[asked[1:]])
    assert duel.verdict == "undecided"
    assert sum(duel.counts.values()) == 0
    duel.add(asked[:1], TRUTH[asked[:1]])
    assert duel.verdict == "a"


def test_cannot_tell_counts_against_both():
    duel = bounds.duel(A, B)
    asked = duel.to_label
    duel.add(asked, ["cannot tell"] * len(asked))
    assert duel.verdict == "undecided"
    assert duel.counts["cannot tell"] == len(asked)
    assert max(duel.e_values.values()) < 0.01


def test_a_margin_needs_no_label_where_they_hardly_differ():
    same = A.copy()
    same[:3] = (A[:3] + 1) % 10
    duel = bounds.duel(A, same, margin=0.02)
    assert duel.verdict == "within margin"
    assert duel.claims == {"a not worse", "b not worse"}
    assert bounds.duel(A, same, margin=0.001).verdict == "undecided"
    assert answered(bounds.duel(A, B, margin=0.01)).claims == {"a", "a not worse"}


def test_two_predictors_that_never_differ():
    duel = bounds.duel(A, A)
    assert not len(duel.to_label)
    assert duel.verdict == "undecided"
    assert duel.interval[1] == -duel.interval[0] < 0.003
    assert duel.fixed_size.p_value == 1.0


def test_one_item():
    duel = bounds.duel([0], [1])
    duel.add([0], [0])
    assert duel.verdict == "undecided"
    assert -1 <= duel.interval[0] <= duel.interval[1] <= 1


def test_copies_are_asked_once_and_read_as_declared():
    rows = np.array([[0.0], [1.0], [2.0], [1.0], [1.0]])
    a, b = [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]
    made = {kind: bounds.duel(a, b, unlabeled=rows, repeats=kind) for kind in (None, "keep", "drop")}
    for kind, duel in made.items():
        assert len(duel.to_label) == 2
        duel.add(duel.to_label, [0, 0])
        assert duel.counts["a"] == (2 if kind == "drop" else 4)
        assert "2 items repeat" in str(duel)
    wealth = {kind: duel.e_values["a"] for kind, duel in made.items()}
    assert wealth[None] == wealth["drop"] < wealth["keep"]
    few, many = made["drop"].fixed_size, made["keep"].fixed_size
    assert made[None].fixed_size.p_first == few.p_first > many.p_first
    with pytest.raises(InvalidData, match="are copies and stand twice"):
        bounds.duel(a, b, unlabeled=rows).add([1, 3], [0, 0])


def test_others_are_certified_from_one():
    duel = answered(bounds.duel(A, B))
    limit = duel.error_of_b(0.12, 0.025, 0.025)
    assert limit == 0.12 + duel.interval_at(0.025)[1]
    assert (B != TRUTH).mean() < limit
    with pytest.raises(InvalidOption, match="sum to less than 1"):
        duel.error_of_b(0.1, 0.5, 0.5)


@pytest.mark.parametrize(
    ("items", "labels", "message"),
    [
        ([0], [1], "was not asked for"),
        ([N], [1], "no row number"),
        ([-1], [1], "no row number"),
        (["x"], [1], "no row number"),
        ([1.5], [1], "no row number"),
        ("first", [10], "not one of the 10 classes"),
        ("first", [-1], "not one of the 10 classes"),
        ("first", ["cat"], "not one of the 10 classes"),
        ("first", [1, 2], "must go together"),
        (5, [1], "must be a list"),
        ("twice", [1, 1], "stands twice"),
    ],
)
def test_what_is_no_answer(items, labels, message):
    a, b = A.copy(), B.copy()
    b[0] = a[0]
    duel = bounds.duel(a, b, num_classes=10)
    first = duel.to_label[0]
    items = {"first": [first], "twice": [first, first]}.get(items, items) if isinstance(items, str) else items
    with pytest.raises(InvalidData, match=message):
        duel.add(items, labels)
    assert duel.labels == 0


def test_an_answer_that_contradicts_an_earlier_one_is_refused_with_both():
    duel = bounds.duel(A, B)
    first, second = duel.to_label[:2]
    duel.add([first], [3])
    duel.add([first], [3])
    with pytest.raises(InvalidData, match="answered 3 before and is answered 4 now"):
        duel.add([second, first], [1, 4])
    assert duel.labels == 1


def test_predictors_that_cannot_meet():
    with pytest.raises(InvalidData, match="same items"):
        bounds.duel(A, B[:-1])
    with pytest.raises(InvalidOption, match="one kind"):
        bounds.duel(A, "encoder.safetensors", unlabeled=Z)
    with pytest.raises(InvalidOption, match="`labeled` is for encoders"):
        bounds.duel(A, B, (np.zeros((3, 2)), [0, 1, 1]))
    with pytest.raises(InvalidOption, match="need `labeled`"):
        bounds.duel(lambda x: x, lambda x: x, unlabeled=np.zeros((3, 2)))
    with pytest.raises(InvalidData, match="the columns have 3000"):
        bounds.duel(A, B, unlabeled=np.zeros((3, 2)))
    with pytest.raises(InvalidData, match="predicts class 9, but there are 5"):
        bounds.duel(A, B, num_classes=5)


# Encoders and predictors

Z = R.standard_normal((900, 8)).astype(np.float32)
Y = (Z[:, :3] + 0.5 * R.standard_normal((900, 3))).argmax(1)


def left(x):
    return x[:, :2]


def whole(x):
    return x


def test_encoders_with_heads_fitted_on_the_labels():
    duel = bounds.duel(left, whole, (Z[:200], Y[:200]), Z[200:], names=("left", "whole"))
    answered(duel, Y[200:])
    assert duel.winner == "whole"
    assert "whole errs less than left" in str(duel)


def test_copies_of_labeled_rows_are_not_asked():
    items = np.concatenate([Z[200:], Z[:100]])
    duel = bounds.duel(left, whole, (Z[:200], Y[:200]), items)
    assert duel.panel.copied == 100
    assert duel.to_label.max() < 700
    assert "100 items are copies of labeled ones" in str(duel)
    with pytest.raises(InvalidData, match="was not asked for: it is a copy of a labeled row"):
        duel.add([700], [0])
    plain = bounds.duel(left, whole, (Z[:200], Y[:200]), Z[200:])
    truth = np.concatenate([Y[200:], Y[:100]])
    assert answered(duel, truth).interval[1] > answered(plain, Y[200:]).interval[1]


def test_a_test_set_of_encoders_and_of_predictors():
    labeled, test = (Z[:200], Y[:200]), (Z[200:], Y[200:])
    duel = bounds.duel(left, whole, labeled, test=test)
    assert duel.verdict == "b"
    assert duel.paired.interval[1] < 0
    reports = [bounds.evaluate(one, labeled, bounds=["held_out"], progress=False) for one in (left, whole)]
    ready = bounds.duel(*(one["held_out"].predictor for one in reports), test=test)
    assert ready.paired.plus + ready.paired.minus > 50
    other = bounds.evaluate(whole, (Z[:200], Y[:200] % 2), bounds=["held_out"], progress=False)
    with pytest.raises(InvalidData, match="other classes"):
        bounds.duel(reports[0]["held_out"].predictor, other["held_out"].predictor, unlabeled=Z[200:])


# State


def test_a_state_is_one_file_and_nothing_is_lost(tmp_path):
    rows = np.arange(N, dtype=np.float32)[:, None] // 2
    duel = answered(bounds.duel(A, B, unlabeled=rows, margin=0.01, seed=5, num_classes=10), count=7)
    duel.save(tmp_path / "state.json")
    again = load(tmp_path / "state.json")
    assert str(again) == str(duel)
    assert again.to_label.tolist() == duel.to_label.tolist()
    assert answered(again).interval == answered(duel).interval


def test_a_damaged_state_is_refused(tmp_path):
    path = tmp_path / "state.json"
    answered(bounds.duel(A, B, num_classes=10), count=2).save(path)
    state = json.loads(path.read_text())
    for key in state:
        for value in (None, "x", -1, [[5, 5, 5]]):
            if key in ("class_names", "copies", "leaked", "paths", "notes") or (key, value) == (
                "repeats",
                None,
            ):
                continue
            path.write_text(json.dumps(state | {key: value}))
            with pytest.raises((InvalidData, InvalidOption)) as refused:
                load(path)
            assert "\n" not in str(refused.value)
    for text in ("", "{", "[]", '{"format": "x"}'):
        path.write_text(text)
        with pytest.raises(InvalidData):
            load(path)
    with pytest.raises(InvalidData):
        load(tmp_path / "none.json")
