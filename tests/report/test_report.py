"""A report says what it knows, keeps what it says, and refuses bad input with one sentence."""

import json

import numpy as np
import pytest
import torch

import bounds
from bounds.errors import InvalidData, InvalidInput, InvalidOption
from bounds.report.format import significant
from tests.worlds_small import gaussian_classes

FRESH = {"pairs": "class", "labeled_is_fresh": True, "unlabeled_is_fresh": True, "num_classes": 4}


@pytest.fixture(scope="module")
def data():
    x, y, a, b, yp = gaussian_classes(np.random.default_rng(3), 4, 8, 520, 200, separation=3.0)
    return {"labeled": (x[:120], y[:120]), "unlabeled": (a, b, yp), "test": (x[120:], y[120:])}


@pytest.fixture(scope="module")
def report(data):
    return bounds.evaluate(None, data["labeled"], data["unlabeled"], test=data["test"], **FRESH)


def test_report_survives_json_and_keeps_every_number(report, tmp_path):
    path = tmp_path / "report.json"
    report.to_json(path)
    again = bounds.Report.from_json(path)
    assert again == report
    assert again["vicreg"].terms["invariance"].value == report["vicreg"].terms["invariance"].value
    assert repr(again) == repr(report)
    assert list(tmp_path.iterdir()) == [path]


def test_frame_holds_every_term_and_total(report):
    frame = report.to_frame()
    totals = frame[frame.term == "total"].set_index("bound").value
    assert totals["vicreg_certified"] == report["vicreg_certified"].value
    assert set(frame[frame.bound == "vicreg"].term) == {*report["vicreg"].terms, "total"}


def test_a_bound_shows_its_terms_and_what_it_says(report):
    shown = repr(report["vicreg_direct"]).splitlines()
    assert shown[0].startswith("vicreg_direct · ")
    assert all(any(line.strip().startswith(term) for line in shown) for term in report["vicreg_direct"].terms)
    assert max(map(len, shown)) <= 100


def test_names_of_the_terms_of_vicreg_are_the_documented_ones(report):
    assert set(report["vicreg"].terms) == {
        "invariance",
        "unlabeled_residual",
        "labeled_residual",
        "representation_complexity",
        "head_complexity",
        "class_frequencies",
        "confidence",
    }
    assert sum(report["vicreg"].terms["confidence"].parts.values()) == pytest.approx(
        report["vicreg"].terms["confidence"].value, rel=1e-12
    )


def test_latex_table_has_one_row_a_bound(report):
    table = report.to_latex()
    assert table.count(r"\\") == len(report) + 1 + len(report.verdict.families)
    assert r"vicreg\_certified" in table


def test_certificates_are_rounded_up_in_print():
    assert significant(1.00001, 3, up=True) == "1.01"
    assert significant(0.12341, 4, up=True) == "0.1235"
    assert significant(0.12341, 4) == "0.1234"
    assert significant(float("inf")) == "∞"


def test_augmentation_pairs_and_unknown_freshness_are_never_certified(data):
    report = bounds.evaluate(None, data["labeled"], data["unlabeled"])
    assert report["vicreg_direct"].assumptions["A1"].status == "violated"
    assert report["vicreg_direct"].assumptions["A2"].status == "unverifiable"
    assert not any(bound.certified for bound in report if "A1" in bound.assumptions)
    assert "estimate" in repr(report)


def test_printed_constants_are_not_certified_and_counted_ones_are(data):
    printed = bounds.evaluate(None, data["labeled"], data["unlabeled"], bounds=["vicreg"], **FRESH)
    counted = bounds.evaluate(
        None, data["labeled"], data["unlabeled"], bounds=["vicreg"], constants="counted", **FRESH
    )
    assert not printed["vicreg"].certified
    assert counted["vicreg"].certified
    assert counted["vicreg"].value > printed["vicreg"].value


def test_norms_beyond_the_radius_violate_boundedness(data):
    report = bounds.evaluate(None, data["labeled"], data["unlabeled"], normalize=None, radius=1.0, **FRESH)
    assert report.assumptions["A4"].status == "violated"
    clipped = bounds.evaluate(None, data["labeled"], data["unlabeled"], normalize="clip", radius=1.0, **FRESH)
    assert clipped.assumptions["A4"].status == "holds"
    assert clipped.quantities["max_norm"] <= 1.0 + 1e-12


def test_negative_values_refute_a_declared_nonnegative_encoder(data):
    report = bounds.evaluate(None, data["labeled"], data["unlabeled"], nonnegative=True, **FRESH)
    assert report.assumptions["A4"].status == "violated"


def test_labeled_items_among_the_pairs_violate_independence(data):
    x, y = data["labeled"]
    report = bounds.evaluate(None, (x, y), (x, x + 0.1, y), **FRESH)
    assert report.assumptions["A7"].status == "violated"
    assert not report["vicreg_certified"].certified
    assert "A7" not in report["vicreg_direct"].assumptions
    assert report.assumptions["A1"].status == "violated"  # second views that are the first ones, moved


def test_without_labels_of_the_pairs_the_label_free_bounds_still_come(data):
    a, b, _ = data["unlabeled"]
    report = bounds.evaluate(None, data["labeled"], (a, b), **FRESH)
    assert "vicreg_direct" in report
    assert "vicreg_second_moment" in report
    assert "labels of the pairs" in report.not_applicable["vicreg_certified"]
    with pytest.raises(KeyError, match="labels of the pairs"):
        report["vicreg_certified"]


def test_without_unlabeled_data_the_reason_is_said(data):
    report = bounds.evaluate(None, data["labeled"])
    assert "unlabeled" in report.not_applicable["vicreg"]


def test_best_pays_for_the_choice(report):
    assert report.best is not None
    others = len(report.candidates) - 1  # they share a quarter, the counting theorem has the rest
    share = 0.75 if report.best.name in ("held_out", "test_set") else 0.25 / others
    assert report.best.delta == pytest.approx(report.delta * share)
    direct = {bound.name: bound for bound in report}[report.best.name]
    assert report.best.error_rate >= direct.error_rate
    assert "chosen after looking" in report.best.notes[-1]


def test_simultaneous_shares_delta_over_all_bounds_asked_for(data):
    names = ["vicreg_direct", "vicreg_second_moment"]
    report = bounds.evaluate(
        None, data["labeled"], data["unlabeled"], bounds=names, simultaneous=True, delta=0.1, **FRESH
    )
    assert [bound.delta for bound in report] == [0.05, 0.05]


def test_measured_losses_belong_to_the_head_each_bound_is_about(report, data):
    x, y = data["test"]
    z = torch.nn.functional.normalize(torch.tensor(x).double(), dim=1)
    head = report.evidence.min_norm
    target = torch.nn.functional.one_hot(torch.tensor(y), 4)
    expected = torch.linalg.vector_norm(z @ head.weight.T - target, dim=1).mean()
    assert report.measured_for(report["vicreg"]) == pytest.approx(float(expected), rel=1e-10)
    assert report.test_error == pytest.approx(
        float(((z @ head.weight.T).argmax(1) != torch.tensor(y)).double().mean())
    )


def test_ridge_head_is_used_by_the_bounds_that_allow_it(data):
    report = bounds.evaluate(None, data["labeled"], data["unlabeled"], head=("ridge", 0.1), **FRESH)
    x, y = data["labeled"]
    z = np.array([row / np.linalg.norm(row) for row in x])
    Y = np.eye(4)[y]
    expected = np.linalg.solve(z.T @ z / len(z) + 0.1 * np.eye(8), z.T @ Y / len(z)).T
    assert report.quantities["W_S_norm"] == pytest.approx(np.linalg.norm(expected, 2), rel=1e-10)
    assert report["vicreg"].head == "min-norm"
    assert report["vicreg_direct"].head != "min-norm"


@pytest.mark.parametrize(
    ("delta", "limit"),
    [(1e-8, 0.018252056980015663), (1e-17, 0.03838772161633524), (1e-300, 0.4988127663727278)],
)
def test_a_report_keeps_the_digits_of_a_small_level(delta, limit):
    y = np.arange(1020) % 2
    z = np.eye(2)[y] + np.random.default_rng(0).uniform(0, 0.1, (1020, 2))
    report = bounds.evaluate(
        None, (z[:20], y[:20]), test=(z[20:], y[20:]), bounds=["test_set"], delta=delta, fresh=True
    )
    assert report["test_set"].symbols["mistakes"] == 0
    assert limit <= report["test_set"].value <= limit * (1 + 1e-9)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"delta": 0.0}, "`delta` must lie strictly between 0 and 1"),
        ({"delta": float("nan")}, "`delta` must lie strictly between 0 and 1"),
        ({"delta": 1 - 1e-17}, "`delta` must lie strictly between 0 and 1"),
        ({"delta": 5e-324}, "above 1e-301 so that shares of it are numbers"),
        ({"pairs": "classes"}, "`pairs` must be one of"),
        ({"normalize": "l1"}, "`normalize` must be"),
        ({"radius": -1.0}, "`radius` must be positive"),
        ({"head": "svm"}, "`head` must be"),
        ({"head": ("ridge", 0.0)}, "`head` must be"),
        ({"residual": "median"}, "`residual` must be one of"),
        ({"constants": "guessed"}, "`constants` must be one of"),
        ({"bounds": ["vicregg"]}, "unknown bounds"),
        ({"class_prior": [0.5, 0.2, 0.2, 0.2]}, "`class_prior` must hold"),
        ({"class_prior": "uniform"}, "`class_prior` must be None"),
        ({"num_classes": 2}, "class indices, integers from 0 to 1"),
        ({"batch_size": 0}, "`batch_size` must be"),
        ({"holdout": 1.0}, "`holdout` must lie"),
    ],
)
def test_bad_options_are_refused_with_one_sentence(data, options, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        bounds.evaluate(None, data["labeled"], data["unlabeled"], **options)
    assert "\n" not in str(caught.value)


def test_bad_arrays_are_refused_naming_the_row(data):
    x, y = data["labeled"]
    broken = x.copy()
    broken[17, 2] = np.nan
    with pytest.raises(InvalidData, match="row 17"):
        bounds.evaluate(None, (broken, y))
    with pytest.raises(InvalidData):
        bounds.evaluate(None, (x, y[:-1]))
    with pytest.raises(InvalidData):
        bounds.evaluate(None, (x, y - 1))
    with pytest.raises(InvalidData):
        bounds.evaluate(None, (x[:0], y[:0]))
    with pytest.raises(InvalidData, match="one dimension"):
        bounds.evaluate(None, (x, y), (x[:, :3], x[:, :3]))


def test_class_pairs_from_a_pool_add_the_distance_of_their_counts_to_a_known_prior(data):
    x, y = data["test"]
    report = bounds.evaluate(None, data["labeled"], (x, y), class_prior="balanced", **FRESH)
    bound = report["vicreg_direct"]
    counts = np.bincount(y, minlength=4) // 2
    shift = 0.5 * np.abs(counts / counts.sum() - 0.25).sum()
    assert bound.terms["pair_frequencies"].value == pytest.approx(bound.symbols["W_norm"] * 2.0 * shift)
    assert report.assumptions["A6'"].status == "holds"
    assert "the distance to the prior is added" in report.assumptions["A6'"].reason


def test_a_pool_whose_prior_nobody_knows_speaks_against_bounds_on_pairs_alone(data):
    report = bounds.evaluate(None, data["labeled"], data["test"], **FRESH)
    assert report["held_out"].certified
    for bound in report:
        if "A3" in bound.assumptions:
            reasons = [one.reason for name, one in bound.assumptions.items() if name in ("A6'", "U")]
            assert any("fixed by their pool" in reason for reason in reasons), bound.name
            assert not bound.certified


def test_choosing_among_encoders_on_the_pairs_is_paid_for(data):
    names = ["vicreg", "vicreg_certified", "vicreg_sharp"]
    one, five = (
        bounds.evaluate(
            None,
            data["labeled"],
            data["unlabeled"],
            bounds=names,
            constants="counted",
            function_class=J,
            **FRESH,
        )
        for J in (None, 5)
    )
    for name in names[:2]:
        symbols = five[name].symbols
        complexity = symbols["tau"] * np.sqrt(np.log(5) / 2)
        expected = symbols["c"] * 2 * complexity / np.sqrt(symbols["m"])
        assert five[name].terms["representation_complexity"].value == pytest.approx(expected)
        parts = one[name].terms["confidence"].parts, five[name].terms["confidence"].parts
        assert parts[1]["head_pairs"] > parts[0]["head_pairs"]
        assert parts[1]["invariance_pairs"] == parts[0]["invariance_pairs"]
    assert "fixed before the data" in five.not_applicable["vicreg_sharp"]
    with pytest.raises(InvalidOption, match="number of encoders"):
        bounds.evaluate(None, data["labeled"], data["unlabeled"], function_class="all of them")


def test_unreadable_reports_are_refused(tmp_path):
    path = tmp_path / "not.json"
    path.write_text("{")
    with pytest.raises(InvalidInput, match="not a JSON report"):
        bounds.Report.from_json(path)
    path.write_text(json.dumps({"format": 99}))
    with pytest.raises(InvalidInput, match="format"):
        bounds.Report.from_json(path)


def test_writing_into_a_missing_folder_is_refused(report, tmp_path):
    with pytest.raises(InvalidOption, match="create its folder"):
        report.to_json(tmp_path / "missing" / "report.json")


def test_comparison_ranks_and_tabulates(report):
    both = bounds.compare({"one": report, "two": report})
    assert both.ranking()["vicreg"] == ["one", "two"]
    assert both.table().loc[("vicreg", "loss"), "one"] == report["vicreg"].value
    assert "two" in repr(both)
    assert len(both.plot().axes) == 2
    with pytest.raises(InvalidOption, match="at least one"):
        bounds.compare({})


@pytest.mark.parametrize("prior", [None, "balanced"])
def test_a_labeled_sample_of_one_class_gives_a_report(data, prior):
    x, y = data["labeled"]
    a, b, yp = data["unlabeled"]
    one = (x[y == 0], y[y == 0])
    report = bounds.evaluate(None, one, (a, b, yp), test=data["test"], class_prior=prior, **FRESH)
    assert report["vicreg_direct"].value > 0
    assert "two classes" in report.not_applicable["simclr"]
