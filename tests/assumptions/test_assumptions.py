"""Tests of assumptions: size at most nominal where the null is true, power where it is not, and what a report says."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

import bounds
from bounds.assumptions.one_law import class_counts
from bounds.assumptions.regular import too_regular
from bounds.assumptions.swap import binomial_tail, couples, factorial_tail
from bounds.errors import InvalidData, InvalidOption

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "paper_figs"))
from assumption_tests import cases, rejections

NULL = [case for case in cases() if case.null]


@pytest.mark.parametrize("draws", [60, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", NULL, ids=[f"{case.test}-{case.world}" for case in NULL])
def test_size_is_at_most_nominal(case, draws):
    loose, strict = rejections(case, draws)
    assert binom.sf(loose - 1, draws, 0.05) > 1e-3
    assert binom.sf(strict - 1, draws, case.level) > 1e-3


@pytest.mark.parametrize(
    "world",
    [
        ("swap test", "near-duplicate views, m = 60"),
        ("nearest partner", "near-duplicate views, m = 100"),
        ("swap test", "sub-cluster pairs, m = 500"),
        ("one law", "shifted by 0.5 with labels, n = 500"),
        ("one law", "prior .35 for .2 with labels, n = 500"),
        ("first against second views", "second shifted by 0.5, m = 500"),
        ("too regular", "balanced, K = 10, n = 50"),
        ("exchangeability", "groups of 5 in T, n = 50"),
        ("exchangeability", "T centred by itself, n = 50"),
    ],
)
def test_what_breaks_an_assumption_is_refuted(world):
    (case,) = [one for one in cases() if (one.test, one.world) == world]
    assert rejections(case, 20)[1] >= 10


def test_the_swap_test_is_an_exact_sign_test():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 41)
    x1, x2 = rng.normal(size=(2, 41, 4))
    found = bounds.swap_test(x1, x2, y, seed=7)
    left, right = couples(y, 7)
    assert (y[left] == y[right]).all()
    assert len(set(left) | set(right)) == 2 * len(left) == sum(c // 2 * 2 for c in np.bincount(y))
    signs = np.sign(((x1[left] - x1[right]) * (x2[left] - x2[right])).sum(1))
    k, n = int((signs > 0).sum()), int((signs != 0).sum())
    assert found.sizes == {"m": 41, "signs": n, "own partner closer": k}
    assert found.p_value == pytest.approx(sum(math.comb(n, i) for i in range(k, n + 1)) / 2**n)
    assert found.effect == pytest.approx(k / n - 0.5)


def test_equal_views_of_all_pairs_give_no_sign_and_no_verdict():
    x = np.ones((40, 3))
    found = bounds.swap_test(x, x, np.zeros(40, int))
    assert (found.p_value, found.sizes["signs"], found.testable) == (1.0, 0, False)
    assert bounds.swap_test(x, x, num_classes=2).p_value == 1.0


@pytest.mark.parametrize(("m", "testable"), [(1, False), (26, False), (28, True)])
def test_too_few_couples_are_not_testable(m, testable):
    x = np.random.default_rng(0).normal(size=(m, 3))
    found = bounds.swap_test(x, x, np.zeros(m, int))
    assert found.testable is testable
    assert ("not testable here" in str(found)) is not testable
    assert found.refuted is testable


def test_the_factorial_tail_is_what_it_says_and_valid_for_permutations():
    for hits, classes in ((0, 3), (1, 1), (5, 2), (12, 3), (200, 20)):
        falling = [
            math.exp(h * math.log(classes) - math.lgamma(hits + 1) + math.lgamma(hits - h + 1))
            for h in range(1, hits + 1)
        ]
        assert factorial_tail(hits, classes) == pytest.approx(min([1.0, *falling]), rel=1e-6)
    rng = np.random.default_rng(0)  # fixed points of random permutations of K blocks: the worst case
    hits = np.array(
        [sum((rng.permutation(50) == np.arange(50)).sum() for _ in range(3)) for _ in range(4000)]
    )
    p = np.array([factorial_tail(int(c), 3) for c in hits])
    for level in (0.3, 0.1, 0.05, 0.01):
        assert binom.sf((p <= level).sum() - 1, len(p), level) > 1e-3


def test_tails_are_never_below_the_truth():
    assert binomial_tail(0, 10) == 1.0
    assert binomial_tail(10, 10) >= 0.5**10
    assert class_counts(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == 1.0


def test_a_balanced_sample_is_too_regular_unless_there_are_few_classes():
    assert too_regular(np.full(10, 5)).p_value == pytest.approx(
        math.exp(math.lgamma(51) - 10 * math.lgamma(6) - 50 * math.log(10)), rel=1e-6
    )
    assert too_regular(np.full(10, 5)).refuted
    assert not too_regular(np.array([50, 50])).refuted
    assert too_regular(np.array([7, 5, 5, 5])).p_value == 1.0


def test_the_front_door_refuses_nonsense():
    x = np.zeros((4, 2))
    with pytest.raises(InvalidOption, match="num_classes"):
        bounds.swap_test(x, x)
    with pytest.raises(InvalidData):
        bounds.swap_test(x, x[:3], np.zeros(4, int))
    with pytest.raises(InvalidData):
        bounds.swap_test(x, x, np.zeros(3, int))
    with pytest.raises(InvalidData):
        bounds.swap_test(x * np.nan, x, np.zeros(4, int))


def data(seed=0, m=300, near=False):
    rng = np.random.default_rng(seed)
    centres = 2 * np.random.default_rng(1).normal(size=(4, 6))
    y, yp = rng.integers(0, 4, 300), rng.integers(0, 4, m)
    first = centres[yp] + rng.normal(size=(m, 6))
    second = first + 0.1 * rng.normal(size=(m, 6)) if near else centres[yp] + rng.normal(size=(m, 6))
    return (centres[y] + rng.normal(size=(300, 6)), y), (first, second, yp)


NAMES = ["vicreg_direct", "simclr", "held_out"]


def test_augmentation_pairs_passed_off_as_class_pairs_are_found_with_and_without_labels():
    labeled, pairs = data(near=True)
    options = {"pairs": "class", "fresh": True, "bounds": NAMES, "num_classes": 4}
    for unlabeled in (pairs, pairs[:2]):
        report = bounds.evaluate(None, labeled, unlabeled, **options)
        a1 = report.assumptions["A1"]
        assert a1.status == "violated"
        assert a1.test.refuted
        assert "p = " in a1.reason
        assert not report["vicreg_direct"].certified
        assert report["held_out"].certified
    assert (
        bounds.evaluate(None, labeled, pairs[:2], **{**options, "num_classes": None}).assumptions["A1"].test
        is None
    )


def test_a_passed_test_changes_no_status_and_travels_with_the_report():
    labeled, pairs = data()
    report = bounds.evaluate(None, labeled, pairs, pairs="class", fresh=True, bounds=NAMES)
    a1 = report.assumptions["A1"]
    assert a1.status == "holds"
    assert a1.reason.startswith("declared")
    assert not a1.test.refuted
    assert "swap test" in report.to_text()
    again = bounds.Report.from_dict(report.to_dict())
    assert again.assumptions["A1"] == a1
    declared = bounds.evaluate(None, labeled, pairs, pairs="augmentation", fresh=True, bounds=NAMES)
    assert declared.assumptions["A1"].status == "violated"
    assert declared.assumptions["A1"].test.p_value == a1.test.p_value


def test_pairs_of_another_law_than_the_labeled_items_lose_a6_of_the_pairs():
    labeled, (x1, x2, y) = data(m=600)
    report = bounds.evaluate(None, labeled, (x1 + 2.0, x2 + 2.0, y), pairs="class", fresh=True, bounds=NAMES)
    assert report.assumptions["A6'"].status == "violated"
    assert report.assumptions["A6"].status == "holds"
    assert report["held_out"].certified
    assert not report["vicreg_direct"].certified


def test_a_balanced_sample_reads_as_stratified():
    (x, _), _ = data()
    report = bounds.evaluate(None, (x, np.arange(300) % 4), fresh=True, bounds=["held_out"], num_classes=4)
    balanced = np.random.default_rng(0).permutation(np.arange(300) % 10)
    stratified = bounds.evaluate(None, (x, balanced), fresh=True, bounds=["held_out"])
    assert "stratified" not in report.assumptions["A6"].reason or report.assumptions["A6"].test.refuted
    assert "stratified" in stratified.assumptions["A6"].reason
    assert stratified["held_out"].certified
    test = bounds.evaluate(None, (x, balanced), test=(x + 1e-2, balanced), fresh=True, bounds=["test_set"])
    assert test.assumptions["H"].status == "holds"
    assert "stratified" in test.assumptions["H"].reason


def test_a_test_set_of_another_law_is_a_warning_and_no_more():
    labeled, _ = data()
    moved = data(seed=5)[0]
    report = bounds.evaluate(None, labeled, test=(moved[0] + 3.0, moved[1]), fresh=True, bounds=["test_set"])
    assert "warning" in report.assumptions["H"].reason
    assert report["test_set"].certified
