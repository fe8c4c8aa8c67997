"""The verdict answers first, says the same of the same report, and claims nothing that the bounds do not."""

import re
from dataclasses import replace

import numpy as np
import pytest

import bounds
from bounds.report.format import confidence, percent
from bounds.summaries.limits import clopper_pearson_lower, clopper_pearson_upper
from tests.worlds_small import gaussian_classes

CLASS_PAIRS = {"pairs": "class", "fresh": True}
NAMES = ["vicreg", "vicreg_direct", "supervised", "pac_bayes", "held_out", "test_set", "haochen_2021"]


def made(classes=4, separation=3.0, labeled=120, test=400, pairs=200, dim=8, seed=3):
    x, y, a, b, yp = gaussian_classes(
        np.random.default_rng(seed), classes, dim, labeled + test, pairs, separation=separation
    )
    return (x[:labeled], y[:labeled]), (a, b, yp), (x[labeled:], y[labeled:])


@pytest.fixture(scope="module")
def report():
    labeled, pairs, test = made()
    return bounds.evaluate(None, labeled, pairs, test=test, bounds=NAMES, **CLASS_PAIRS)


def lines_of(report):
    return repr(report).splitlines()


def test_a_certificate_is_said_in_one_sentence_with_its_own_head_and_level(report):
    said = report.verdict
    assert said.outcome == "certified"
    assert said.bound == report.best.name == "test_set"
    assert said.error == report.best.error_rate
    assert said.answer == (
        f"The minimum-norm linear head errs on at most {percent(said.error, up=True)} of new items, with 95 % confidence."
    )
    mistakes, items = round(report.test_error * 400), 400
    assert repr(report).splitlines()[2:5] == [
        f"  {said.answer}",
        "  Measured on 400 test items: 1.0 % (95 % interval 0.2 % to 2.6 %).",
        f"  Certified by test_set (counting); the 95 % pays for the choice among {len(report.candidates)} bounds.",
    ]
    assert said.measured.error == report.test_error
    assert said.measured.interval == (
        clopper_pearson_lower(mistakes, items, 0.025),
        clopper_pearson_upper(mistakes, items, 0.025),
    )


def test_more_labels_bring_what_the_advice_says(report):
    (more,) = [one for one in report.verdict.advice if "test label" in one.what]
    size = int(re.match(r"([\d,]+) more test labels", more.what)[1].replace(",", ""))
    share = report.best.delta
    mistakes = report.test_error * (400 + size)
    projected = clopper_pearson_upper(round(mistakes), 400 + size, share)
    assert re.fullmatch(r"about \d\.\d % if the measured error stays; \d\.\d % at best", more.effect)
    said = float(more.effect.split(" %")[0].removeprefix("about ")) / 100
    assert projected == pytest.approx(said, abs=0.002)
    halfway = (report.best.error_rate + report.test_error) / 2
    assert said == pytest.approx(halfway, abs=0.002)


def test_same_report_same_words_also_after_json(report, tmp_path):
    report.to_json(tmp_path / "report.json")
    again = bounds.Report.from_json(tmp_path / "report.json")
    assert repr(again) == repr(report)
    assert again.verdict.to_dict() == report.verdict.to_dict()


def test_nothing_certified_says_what_is_missing_once():
    labeled, pairs, test = made()
    report = bounds.evaluate(None, labeled, pairs, test=test, bounds=NAMES)
    said = report.verdict
    assert said.outcome == "nothing"
    assert said.answer == (
        "Nothing is certified. test_set would say that the minimum-norm linear head errs on at most "
        f"{percent(said.error, up=True)} of new items, with 95 % confidence, if what is missing below held."
    )
    assert [(one.what, one.effect) for one in said.advice] == [
        (
            "H (held-out items independent of everything fitted)",
            "say fresh=True or declared=dict(test_is_fresh=True) if encoder and head were fixed before the test items",
        )
    ]
    assert said.measured.interval is None
    assert not any("H (" in one for one in said.cautions)
    failed = [one for one in said.cautions if one.startswith("A1 (class pairs: both views independent ")]
    assert len(failed) == 1
    assert ") fails: both views are augmentations of one item (pairs='augmentation'). " in failed[0]
    (asked,) = [one for one in said.cautions if one.startswith("Not shown: A2 (")]
    assert asked.endswith(
        ": say labeled_is_fresh=True if the encoder was fixed before seeing the labeled data."
    )
    row = next(line for line in repr(report).splitlines() if line.strip().startswith("counting"))
    assert f"{percent(said.error, up=True)}* " in row  # an estimate never stands without its star


def test_everything_vacuous_says_that_a_constant_does_as_well():
    labeled, pairs, _ = made(labeled=12, separation=0.1)
    report = bounds.evaluate(None, labeled, pairs, bounds=["vicreg_direct", "supervised"], **CLASS_PAIRS)
    said = report.verdict
    assert said.outcome == "vacuous"
    assert said.answer == (
        f"No certificate beats always naming the most frequent class, which errs on "
        f"{percent(report.quantities['trivial_error'])}: the nearest, {said.bound}, says no less than everything, "
        "with 95 % confidence."
    )
    assert said.bound in ("vicreg_direct", "supervised")
    assert said.advice
    for one in said.advice:  # nothing is advised that would leave the answer as it is
        assert "would" in one.effect or "by counting" in one.effect


def test_without_a_test_set_one_is_proposed_with_the_number_it_would_give():
    labeled, pairs, _ = made()
    report = bounds.evaluate(None, labeled, pairs, bounds=["held_out", "pac_bayes"], **CLASS_PAIRS)
    said = report.verdict
    assert said.measured is None
    assert "No test set was given: nothing is measured beside the certificates." in said.cautions
    (proposal,) = [one for one in said.advice if one.what == "a test set of 300 fresh labels"]
    held = report["held_out"].symbols
    rate = held["mistakes"] / held["N"]
    expected = clopper_pearson_upper(round(300 * rate), 300, 0.05)
    assert proposal.effect == (
        f"about {percent(expected, up=True)} by counting, if the held-out error of {percent(rate)} stays"
    )


def test_without_pairs_that_is_said():
    labeled, _, test = made()
    said = bounds.evaluate(None, labeled, test=test, bounds=NAMES, fresh=True).verdict
    assert said.outcome == "certified"
    assert "No pairs were given: bounds that rest on unlabeled data are not here." in said.cautions
    assert {one.name for one in said.families} == {"counting", "supervised"}


def test_one_class_cannot_be_beaten():
    (x, y), _, (tx, ty) = made()
    labeled, test = (x[y == 0], y[y == 0]), (tx[ty == 0], ty[ty == 0])
    report = bounds.evaluate(None, labeled, test=test, bounds=[*NAMES, "test_set_classes"], fresh=True)
    assert report.verdict.outcome == "vacuous"
    nearest = percent(report.verdict.error, up=True)
    assert report.verdict.answer == (
        "All labeled items are of one class, and naming it always is right on them: no certificate can say more "
        f"(the nearest, test_set, says at most {nearest} errors)."
    )
    assert [one.what for one in report.verdict.advice] == ["labels of a second class"]
    assert any("1 class was seen; say num_classes=1" in one for one in report.verdict.cautions)
    assert "1 class" in lines_of(report)[0]


def test_two_classes():
    labeled, pairs, test = made(classes=2, separation=5.0)
    report = bounds.evaluate(None, labeled, pairs, test=test, bounds=NAMES, **CLASS_PAIRS)
    assert report.verdict.outcome == "certified"
    assert lines_of(report)[0].endswith("2 classes")
    projections = [one.effect for one in report.verdict.advice if "test label" in one.what]
    assert projections
    for effect in projections:  # nobody can tell 8e-10 % from none
        assert effect.endswith("; 0 % at best")


def test_a_leak_is_said_before_anything_else_but_the_answer():
    (x, y), pairs, (tx, ty) = made()
    test = (np.concatenate([tx[:397], x[:3]]), np.concatenate([ty[:397], y[:3]]))
    report = bounds.evaluate(None, (x, y), pairs, test=test, bounds=NAMES, **CLASS_PAIRS)
    said = "3 of 400 test items are copies of labeled items; they were counted as mistakes."
    assert report.verdict.wrong == (said,)
    assert not any("copies of labeled items; they" in one for one in report.verdict.cautions)
    text = " ".join(repr(report).split())
    assert text.index(report.verdict.answer) < text.index(said) < text.index("Measured on")
    page = report.to_html()
    assert page.index(">" + said[:20]) < page.index("Measured on") < page.index("What to know")
    assert report.verdict.measured.items == 397


def test_a_refuted_assumption_is_named_with_its_test_and_what_it_costs():
    labeled, (a, _, yp), test = made()
    near = a + 1e-3 * np.random.default_rng(0).normal(size=a.shape)
    asked = [*NAMES, "vicreg_certified"]
    report = bounds.evaluate(None, labeled, (a, near, yp), test=test, bounds=asked, **CLASS_PAIRS)
    (said,) = [one for one in report.verdict.wrong if one.startswith("A1 (class pairs: ")]
    assert ") is refuted by the data (swap test, p = " in said
    assert not any(one.startswith("A1' ") for one in report.verdict.cautions)  # class pairs were declared
    resting = sum("A1" in {one.name for one in bound.failing} for bound in report if bound.kind == "bound")
    assert resting > 1
    assert f"{resting} bounds resting on it are estimates" in said


def test_labeled_items_among_the_pairs_are_wrong_data_and_a_declaration_is_not():
    (x, y), (a, b, yp), test = made()
    mixed = np.concatenate([x[:3], a[3:]])
    asked = [*NAMES, "agreement"]
    report = bounds.evaluate(None, (x, y), (mixed, b, yp), test=test, bounds=asked, **CLASS_PAIRS)
    assert any(one.startswith("A7 (") for one in report.verdict.wrong)
    said = bounds.evaluate(
        None, (x, y), (a, b, yp), test=test, bounds=NAMES, **{**CLASS_PAIRS, "labeled_is_fresh": False}
    ).verdict
    assert not said.wrong
    assert any(one.startswith("A2 (") for one in said.cautions)


def test_a_thousand_classes():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(1000, 32))
    y = np.arange(4000) % 1000
    x = centres[y] + 0.1 * rng.normal(size=(4000, 32))
    report = bounds.evaluate(
        None, (x[:2000], y[:2000]), test=(x[2000:], y[2000:]), bounds=["test_set", "held_out"], fresh=True
    )
    assert report.verdict.outcome == "certified"
    assert lines_of(report)[0].endswith("1,000 classes")


def test_an_assumption_that_fails_for_some_bounds_alone_says_their_reason():
    (x, y), pairs, (tx, ty) = made()
    test = (np.concatenate([tx[:397], x[:3]]), np.concatenate([ty[:397], y[:3]]))
    report = bounds.evaluate(
        None, (x, y), pairs, test=test, bounds=[*NAMES, "test_set_balanced"], **CLASS_PAIRS
    )
    assert report.assumptions["H"].holds
    (said,) = [one for one in report.verdict.cautions if "H (held-out items" in one]
    assert said.startswith(
        "Not shown: H (held-out items independent of everything fitted). 1 bound resting on it is"
    )
    assert "declared: encoder and head were fixed" not in said
    assert "no count that is right for copies" in said


def test_a_head_is_advised_only_where_it_is_measured_to_be_better(report):
    def heads(other):
        measured = {
            "min-norm": report.measured["min-norm"],
            "another": {**report.measured["min-norm"], "error": other},
        }
        return [
            one for one in replace(report, measured=measured).verdict.advice if one.what == "the head another"
        ]

    low, _ = report.verdict.measured.interval
    assert heads(low + 1e-6) == []
    (said,) = heads(0.0)
    assert said.effect == "measured 0.0 % on the same test items, in place of 1.0 %"


def test_a_withheld_bound_is_named(report):
    withheld = replace(report["vicreg_direct"], contradiction="it says too little")
    changed = replace(report, bounds={**report.bounds, "vicreg_direct": withheld})
    assert "vicreg_direct is withheld: it says too little." in changed.verdict.cautions
    assert "withheld: it says too little" in changed.to_text()


def test_a_report_without_bounds_says_so(report):
    empty = replace(report, bounds={}, best=None, candidates=())
    assert empty.verdict.outcome == "nothing"
    assert "no bound on the error" in empty.verdict.answer
    assert repr(empty)


def test_text_fits_a_hundred_columns_whatever_the_names(report):
    for name in ("x" * 500, "\x1b[31m\u202eevil\n\t", "<b>$\\frac{1}{2}$</b>"):
        named = replace(report, name=name, notes=(name,))
        for text in (repr(named), named.to_text()):
            assert [line for line in text.splitlines() if len(line) > 100] == []
            assert "\x1b" not in text
            assert "\u202e" not in text


def test_a_comparison_answers_on_one_screen_and_cuts_no_number(report):
    names = ["VICReg, 300 epochs", "x" * 500, "SimCLR", "\u202eevil", "a", "b"]
    both = bounds.compare({name: replace(report, name=name) for name in names})
    lines = repr(both).splitlines()
    assert len(lines) < 50
    assert max(map(len, lines)) <= 100
    said = percent(report.verdict.error, up=True)
    assert f"{lines[0]} {lines[1].strip()}" == (
        f"VICReg, 300 epochs has the smallest certified error: at most {said}, with 95 % confidence for each by itself."
    )
    (row,) = [line for line in lines if line.startswith("counting ")]
    (best,) = [one.best for one in report.verdict.families if one.name == "counting"]
    assert row.split()[1:] == 6 * percent(best.error_rate, up=True).split()


def test_each_family_shows_its_member_that_says_most(report):
    for one in report.verdict.families:
        certified = [bound for bound in one.bounds if bound.certified and bound.error_rate is not None]
        if certified:
            assert one.best.error_rate == min(bound.error_rate for bound in certified)
        assert any(one.best.name in line for line in lines_of(report))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.04991, "5.0 %"),
        (0.05, "5.0 %"),
        (0.0500001, "5.1 %"),
        (0.0, "0.0 %"),
        (0.000041, "0.005 %"),
        (1.0, "100.0 %"),
    ],
)
def test_rates_are_rounded_up(value, shown):
    assert percent(value, up=True) == shown


def test_confidence_is_never_overstated():
    assert confidence(0.05) == "95 %"
    assert confidence(1e-6) == "99.9999 %"
    assert confidence(0.0375) == "96.25 %"
