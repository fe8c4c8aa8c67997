"""`few_shot`: numbers by hand, both readings of repeats, what is refused and how, and the call that stands alone."""

import numpy as np
import pytest
import torch

import bounds
from bounds.errors import InvalidOption, NotApplicable
from bounds.summaries.constant_stakes import constant_stakes_upper
from bounds.summaries.episodes import episode_errors
from bounds.theorems.few_shot.options import FewShot
from bounds.worlds import WORLDS, coverage

pytestmark = pytest.mark.usefixtures("one_thread")


def data(seed=0, n=150, classes=3, dim=6, shift=2.0):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes).repeat(8), rng.integers(classes, size=n - 8 * classes)])
    return rng.normal(size=(n, dim)) + shift * np.eye(classes, dim)[y], y


def report(x, y, option=None, **more):
    options = {} if option is None else {"few_shot": option}
    return bounds.evaluate(
        None, (x, y), bounds=["few_shot"], options=options, fresh=True, normalize=None, progress=False, **more
    )


def test_the_bound_is_the_betting_limit_of_the_episodes_and_is_certified():
    x, y = data()
    bound = report(x, y, {"shots": 2, "permutations": 7}, seed=3, delta=0.1)["few_shot"]
    H = episode_errors(torch.from_numpy(x), y, 3, 2, permutations=7, seed=3)
    assert bound.value == pytest.approx(constant_stakes_upper(H, 0.1), rel=1e-9)
    assert bound.certified
    assert set(bound.assumptions) == {"A2", "A5", "A6"}
    assert bound.terms["episodes"].value == pytest.approx(float(H.mean()), rel=1e-9)
    assert torch.equal(bound.episodes.errors, H)
    assert bound.table["2 shots"]["spread"] == pytest.approx(H.numpy().std())
    assert bounds.Bound.from_dict(bound.to_dict()) == bound
    assert bound.trivial_value == pytest.approx(2 / 3)
    assert not report(x, y, {"shots": 2}, unlabeled=None, declared={"repeats": "keep"})["few_shot"].vacuous


def test_where_every_query_is_wrong_the_limit_is_one():
    """Equal vectors leave each rule undecided; rounding up does not lead past what an error can be."""
    x, y = np.ones((40, 3)), np.arange(40) % 2
    bound = report(x, y, {"shots": 1}, declared={"repeats": "keep"})["few_shot"]
    assert bound.value == bound.table["1 shots"]["limit"] == bound.table["1 shots"]["error"] == 1.0


def test_a_list_of_shots_shares_delta_and_each_row_stands_in_the_table():
    x, y = data()
    bound = report(x, y, {"shots": [3, 1]}, delta=0.1)["few_shot"]
    alone = {m: report(x, y, {"shots": m}, delta=0.05)["few_shot"].value for m in (1, 3)}
    assert {row["shots"]: row["limit"] for row in bound.table.values()} == pytest.approx(alone, rel=1e-9)
    assert bound.value == pytest.approx(alone[3], rel=1e-9)
    assert bound.split == {"delta_3": 0.05, "delta_1": 0.05}


def test_a_declared_prior_weights_the_queries():
    x, y = data(shift=1.0)
    x[y == 2] += 5.0  # one class that is always right
    fair, heavy = (
        report(x, y, {"shots": 2}, class_prior=prior)["few_shot"].table["2 shots"]["error"]
        for prior in ("balanced", [0.05, 0.05, 0.9])
    )
    assert heavy < 0.3 * fair
    assert "weighted" in report(x, y, class_prior="balanced")["few_shot"].axis.unit


def test_undeclared_repeats_give_the_larger_limit_of_both_readings_for_each_number_of_shots():
    """Forty noise rows, each fifty times: on all rows the nearest mean looks good, on distinct ones it cannot be."""
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.normal(size=(40, 512)), 50, 0), np.repeat(np.arange(40) % 2, 50)
    option = {"shots": [10, 1], "permutations": 20}
    kept, dropped, unknown = (
        report(x, y, option, declared={"repeats": repeats})["few_shot"] for repeats in ("keep", "drop", None)
    )
    assert kept.value < 0.45 < dropped.value
    for name, row in unknown.table.items():
        assert row["limit"] == max(kept.table[name]["limit"], dropped.table[name]["limit"])
    assert unknown.episodes is None


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (5, "must map names to values"),
        ({"shot": 5}, "did you mean `shots`"),
        (
            {"shots": 0},
            "`shots` must be a whole number of shots of at least 1|`shots` must be a whole number",
        ),
        ({"shots": True}, "`shots`"),
        ({"shots": [1, 5, 1]}, "names 1 twice"),
        ({"shots": []}, "an empty list"),
        ({"shots": "five"}, "`shots`"),
        ({"shots": 2.5}, "`shots`"),
        ({"ways": 4}, "more classes than there are, 3"),
        ({"ways": 1}, "`ways`"),
        ({"ways": "pair"}, "did you mean `pairs`"),
        ({"ways": None}, "`ways`"),
        ({"ways": 2.0}, "or a whole number of classes, got 2.0"),
        ({"rule": "means"}, "did you mean `mean`"),
        ({"rule": ("ridge", 0)}, "positive and finite λ"),
        ({"rule": ("ridge", -1.0)}, "positive and finite λ"),
        ({"rule": ("knn", 0)}, "whole number"),
        ({"rule": ("knn", 16), "shots": 5}, "more neighbours than the 15 shots"),
        ({"rule": ("knn", 11), "shots": 5, "ways": "pairs"}, "more neighbours than the 10 shots"),
        ({"rule": ["svm", 1]}, "`rule` must be"),
        ({"permutations": 0}, "`permutations`"),
    ],
)
def test_each_nonsense_is_refused_in_one_sentence(option, message):
    x, y = data()
    with pytest.raises(InvalidOption, match=message) as caught:
        report(x, y, option)
    assert "\n" not in str(caught.value)


def test_a_class_with_too_few_labels_is_named_with_what_is_missing():
    x, y = data()
    rare = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:4]])
    reason = report(x[rare], y[rare]).not_applicable["few_shot"]
    assert "class 2 (2 missing)" in reason
    assert "class 1" not in reason
    with pytest.raises(NotApplicable, match=r"class 7 \(6 missing\) and 2 classes more\."):
        bounds.few_shot(x, y, shots=5, num_classes=10, normalize=None)
    with pytest.raises(NotApplicable, match=r"class 3 \(6 missing\)"):
        bounds.few_shot(x, y, shots=5, num_classes=4, normalize=None)
    with pytest.raises(NotApplicable, match="two classes"):
        bounds.few_shot(x, np.zeros(len(x), int), shots=1)
    smallest = bounds.few_shot(x[:4], np.array([0, 1, 0, 1]), shots=1, normalize=None)
    assert 0.95 < smallest.to_frame().loc[1, "limit"] <= 1.0


def test_what_is_missing_is_said_in_words_that_fit():
    """Five classes are named, and a sixth is counted; one label short is one too few; one class leaves nothing to tell."""
    x, y = data()
    for absent, said in ((5, "class 7 (2 missing)."), (6, "class 7 (2 missing) and 1 classes more.")):
        with pytest.raises(NotApplicable, match="for 1 shot and a query") as caught:
            bounds.few_shot(x, y, shots=1, num_classes=3 + absent, normalize=None)
        assert str(caught.value).endswith(said)
    short = np.concatenate([np.flatnonzero(y != 2), np.flatnonzero(y == 2)[:2]])
    reason = report(x[short], y[short], {"shots": 2}).not_applicable["few_shot"]
    assert "3 labels of each class for 2 shots and a query; too few of class 2 (1 missing)." in reason
    assert (
        report(x, np.zeros(len(x), int), num_classes=1).not_applicable["few_shot"]
        == "needs at least two classes."
    )
    one, two = (report(x, y, {"shots": m})["few_shot"] for m in (1, 2))
    assert one.notes[-1].startswith("1 label a class, 3-way, ")
    assert two.notes[-1].startswith("2 labels a class, 3-way, ")
    assert "of 1 label a class" in one.axis.unit


def test_only_the_nearest_mean_has_a_prediction():
    x, y = data()
    for option, known in (({"shots": 1}, True), ({"shots": 1, "rule": ("ridge", 0.1)}, False)):
        assert ("predicted" in report(x, y, option)["few_shot"].table["1 shots"]) == known


def test_the_curve_is_the_table_of_the_report():
    x, y = data()
    curve = bounds.few_shot(x, y, shots=[5, 1], fresh=True, normalize=None, delta=0.1)
    frame = curve.to_frame()
    assert list(frame.index) == [1, 5]
    assert list(frame.columns[:5]) == ["episodes", "error", "spread", "usual_upper", "predicted"]
    assert (frame["limit"] > frame["error"]).all()
    assert curve.certified
    assert not bounds.few_shot(x, y, shots=1).certified
    assert "certified" in repr(curve)
    assert curve.plot().axes[0].get_xlabel() == "labels a class"
    with pytest.raises(bounds.errors.InvalidData, match="NaN"):
        bounds.few_shot(np.where(x > 3, np.nan, x), y)


def test_the_limit_lies_above_the_error_of_fresh_labels_in_worlds():
    for option in ({"shots": 1}, {"shots": 2, "ways": "pairs"}, {"shots": 2, "rule": ("ridge", 0.1)}):
        world = WORLDS["overlap"]().with_options(options={"few_shot": option | {"permutations": 10}})
        row = coverage("few_shot", world, 0.1, 60)
        assert row.promised
        assert row.trials == 60
        assert row.p_value > 1e-3
        assert 0.05 < row.mean_truth < row.mean_value


def test_encoders_are_compared_on_the_same_episodes_alone():
    x, y = data(n=600, shift=2.5)
    noise = np.random.default_rng(5).normal(size=x.shape)
    option = {"shots": 1, "permutations": 20}
    good, poor = report(x, y, option), report(x + 3 * noise, y, option)
    table = bounds.compare({"good": good, "poor": poor}).few_shot()
    row = table.iloc[0]
    assert (row["a"], row["b"], row["better"]) == ("good", "poor", "good")
    H = good["few_shot"].episodes.errors - poor["few_shot"].episodes.errors
    assert row["difference"] == pytest.approx(float(H.mean()))
    assert row["upper"] == pytest.approx(2 * constant_stakes_upper((1 + H) / 2, 0.025) - 1)
    assert row["lower"] == pytest.approx(1 - 2 * constant_stakes_upper((1 - H) / 2, 0.025))
    assert row["lower"] <= row["difference"] <= row["upper"] < 0
    swapped = bounds.compare({"poor": poor, "good": good}).few_shot().iloc[0]
    assert (swapped["lower"], swapped["better"]) == (pytest.approx(-row["upper"]), "good")
    same = bounds.compare({"one": good, "two": bounds.Report.from_dict(good.to_dict())}).few_shot().iloc[0]
    assert same["lower"] < 0 < same["upper"]
    assert same["better"] == ""
    for other in (report(x, y, option, seed=1), report(x[::-1], y[::-1], option), report(x, y, {"shots": 2})):
        with pytest.raises(NotApplicable, match="other items"):
            bounds.compare({"good": good, "other": other}).few_shot()
    none = bounds.evaluate(None, (x, y), bounds=["held_out"], progress=False)
    with pytest.raises(NotApplicable, match="no few-shot episodes"):
        bounds.compare({"good": good, "none": none}).few_shot()


def test_rows_that_do_not_fit_into_memory_give_the_same_numbers(monkeypatch):
    x, y = data(n=300)
    names = ["few_shot", "luthra_2026", "luthra_2026_exact", "luthra_2026_conditional"]
    whole = bounds.evaluate(None, (x, y), bounds=names, progress=False)
    monkeypatch.setattr("bounds.representations.on_demand.HELD", 50)
    parts = bounds.evaluate(None, (x, y), bounds=names, progress=False)
    for name in names:
        assert parts[name].value == pytest.approx(whole[name].value, rel=1e-12)


def test_permutations_are_fewer_where_episodes_and_classes_are_many():
    assert FewShot().arrangements(268, 100) == 100
    assert FewShot().arrangements(4, 1000) == 67  # 50,000 rows of ImageNet, ten shots
    assert FewShot().arrangements(122, 1000) == 2
    assert FewShot(ways=5).arrangements(122, 1000) == 100
    assert FewShot().arrangements(10**7, 1000) == 1
    assert FewShot(permutations=7).arrangements(10**7, 1000) == 7
