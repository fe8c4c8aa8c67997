"""Plans: the projected size reaches the target, one item fewer does not, and what stops a bound is named."""

import json
import math
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from bounds.errors import InvalidOption, NotApplicable
from bounds.evaluation import evaluate
from bounds.report.few_shot import FewShotCurve
from bounds.report.format import significant
from bounds.report.planning import plan
from bounds.theorems import Bound


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    means = 2 * rng.normal(size=(4, 6))

    def draw(size):
        y = rng.integers(4, size=size)
        return means[y] + rng.normal(size=(size, 6)), y

    x, y = draw(800)
    first, labels = draw(900)
    second = means[labels] + rng.normal(size=(900, 6))
    return evaluate(
        None,
        (x, y),
        (first, second, labels),
        pairs="class",
        labeled_is_fresh=True,
        unlabeled_is_fresh=True,
        class_prior="balanced",
        test=draw(300),
        progress=False,
    )


def by_hand(report, n, m):
    """`vicreg_direct` with a known prior, typed from the theory."""
    s = report["vicreg_direct"].symbols
    radius = s["tau"] * math.sqrt(math.log(1 / s["delta_2"]) / (2 * m))
    radius += s["tau"] * math.sqrt(math.log(1 / s["delta_1"]) / (2 * n))
    return math.sqrt(2) * (
        s["residual_S"] + s["W_norm"] * (s["invariance"] + radius) + s["kappa_S"] * s["TV_S"]
    )


@pytest.mark.parametrize("which", ["labels", "pairs", "both"])
def test_the_smallest_size_that_reaches_the_target(report, which):
    now = by_hand(report, 800, 900)
    need = plan(report["vicreg_direct"], 0.999 * now).needs[which]
    assert need.reachable
    assert by_hand(report, need.n, need.m) <= 0.999 * now * (1 + 1e-9)
    fewer = (need.n - (which != "pairs"), need.m - (which != "labels"))
    assert by_hand(report, *fewer) > 0.999 * now * (1 - 2e-6)
    assert need.value == pytest.approx(0.999 * now, rel=1e-4)


def test_what_no_data_can_remove_and_which_term_it_is(report):
    found = plan(report["vicreg_direct"], 1e-3)
    assert not found.reachable
    both = found.needs["both"]
    assert both.n is None
    assert both.m is None
    assert both.floor == pytest.approx(by_hand(report, 1e30, 1e30), rel=1e-3)
    s = report["vicreg_direct"].symbols
    assert both.stopped_by == (
        "invariance" if s["W_norm"] * s["invariance"] > s["residual_S"] else "labeled_residual"
    )
    assert found.needs["labels"].floor > both.floor
    assert "out of reach" in str(found)


def test_a_target_already_reached_needs_nothing_more(report):
    bound = report["vicreg_second_moment"]
    need = plan(bound, bound.error_rate * 1.5).needs["both"]
    assert (need.n, need.m) == (800, 900)


@pytest.mark.slow
def test_every_derived_bound_of_a_report_can_be_planned(report):
    planned = []
    for bound in report:
        try:
            found = plan(bound, 0.3)
        except NotApplicable:
            continue
        planned.append(bound.name)
        assert found.now == pytest.approx(
            bound.value if bound.error_rate is None else bound.error_rate, rel=1e-9
        )
        assert found.kind == "estimate"
        for need in found.needs.values():
            assert need.floor <= found.now * (1 + 1e-9)
    assert {"vicreg", "vicreg_certified", "vicreg_best", "simclr", "agreement", "test_set"} <= set(planned)


def test_a_bound_read_back_from_a_file_plans_alike(report):
    bound = report["vicreg_certified"]
    again = Bound.from_dict(json.loads(json.dumps(bound.to_dict())))
    assert plan(again, 0.5) == plan(bound, 0.5)


def test_views_of_a_plan(report):
    found = plan(report["vicreg_second_moment"], 0.4)
    assert list(found.to_frame().index) == ["labels", "pairs", "both"]
    assert json.loads(json.dumps(found.to_dict()))["needs"]["labels"]["which"] == "labels"
    assert "projection, not a certificate" in found._repr_html_()
    with mpl.rc_context({"backend": "Agg"}):
        figure = found.plot()
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == ["labeled items n", "pairs m"]
    curve = figure.axes[0].lines[0].get_ydata()
    assert np.all(np.diff(curve) <= 1e-12)


def test_bad_targets_and_bounds_without_sizes_are_refused(report):
    for target in (0.0, -1.0, math.nan, "much"):
        with pytest.raises(InvalidOption, match="positive number"):
            plan(report["vicreg"], target)
    with pytest.raises(NotApplicable, match="from below"):
        plan(report["augmentation_error_floor"], 0.1)
    with pytest.raises(NotApplicable, match="no derivation"):
        plan(report["luthra_2025"], 0.1)


@pytest.fixture(scope="module")
def betting():
    """Bounds by betting, of classes that overlap: three numbers of shots, losses and balanced errors of test items."""
    rng = np.random.default_rng(0)

    def draw(size):
        y = np.arange(size) % 3
        return rng.normal(size=(size, 8)) + 2 * np.eye(3, 8)[y], y

    return evaluate(
        None,
        draw(600),
        test=draw(300),
        normalize=None,
        bounds=["few_shot", "test_set_loss", "test_set_balanced"],
        options={"few_shot": {"shots": [2, 1, 5]}},
        labeled_is_fresh=True,
        progress=False,
    )


def test_more_labels_bring_a_limit_by_betting_down_to_the_measured_mean(betting):
    for name, mean in (
        ("few_shot", betting["few_shot"].table["2 shots"]["error"]),
        ("test_set_loss", betting["test_set_loss"].symbols["projected_H"]),
        ("test_set_balanced", betting["test_set_balanced"].symbols["episode_error"]),
    ):
        bound = betting[name]
        target = (bound.value + 2 * mean) / 3
        if bound.error_rate is not None:
            target = bound.axis.error_rate(target)
        found = plan(bound, target)
        assert found.now == pytest.approx(bound.error_rate or bound.value, rel=1e-8)
        need = found.needs["labels"]
        assert need.reachable
        # Where the spread is what counts, three times as near takes nine times as many, and three where it is not.
        assert 3 * found.n < need.n < 10 * found.n
        floor = bound.axis.error_rate(mean) or mean
        assert floor < need.floor < 1.05 * floor  # the least stake's price stays
        assert not plan(bound, 0.99 * floor).needs["labels"].reachable


def test_more_shots_go_on_along_the_measured_curve_and_the_plan_says_so(betting):
    bound = betting["few_shot"]
    rows = {round(row["shots"]): row["error"] for row in bound.table.values()}
    # Least squares through the row of two shots, typed again.
    x, e = np.array([1 - 1 / 2, 1 / 5 - 1 / 2]), np.array([rows[1] - rows[2], rows[5] - rows[2]])
    slope = (x @ e) / (x @ x)
    found = plan(bound, 0.97 * bound.value)
    need = found.needs["shots"]
    assert "extrapolated from the measured curve, as a + b/m" in found.note
    assert found.shots == 2
    assert need.shots > 2
    assert need.n == (need.shots + 1) * round(bound.table["2 shots"]["episodes"])
    assert need.value < bound.value
    limits = dict(found.curves["shots"])
    assert limits[2.0] == pytest.approx(bound.value, rel=1e-8)
    price = bound.value - rows[2]
    assert limits[8.0] == pytest.approx(rows[2] - slope * (1 / 2 - 1 / 8) + price, abs=0.02)
    assert f"at {need.shots} shots" in str(found)
    assert [axes.get_xlabel() for axes in found.plot().axes] == ["labeled items n", "labels a class"]
    assert found.needs["labels"].n % 3 == 0  # whole episodes of two shots and a query
    table = betting.plan(0.97 * bound.value).to_frame().set_index(["bound", "which"])
    assert table.loc[("few_shot", "shots"), "shots"] == need.shots


def test_one_number_of_shots_has_no_curve_to_go_on_along(betting):
    bound = betting["few_shot"]
    alone = replace(bound, table={"2 shots": bound.table["2 shots"]})
    found = plan(alone, 0.97 * bound.value)
    assert list(found.needs) == ["labels"]
    assert "extrapolated" not in found.note
    with pytest.raises(NotApplicable, match="evaluate it again"):
        plan(replace(bound, table={}), 0.3)
    full = {**bound.symbols, "episode_limit": 1.0}
    with pytest.raises(NotApplicable, match="needs more labels first"):
        plan(replace(bound, symbols=full, value=1.0), 0.3)


def test_limits_in_tables_are_printed_no_smaller_than_they_are(betting):
    text, page = betting.to_text(), betting.to_html()
    for name in ("few_shot", "test_set_loss", "test_set_balanced"):
        for row in betting[name].table.values():
            up = significant(row["limit"], up=True)
            assert f"limit {up}" in text
            assert f">{up}<" in page
    printed = repr(FewShotCurve(betting["few_shot"])).splitlines()[3:]
    for line, (_, row) in zip(printed, FewShotCurve(betting["few_shot"]).to_frame().iterrows(), strict=True):
        assert row["limit"] <= float(line.split()[-1]) < row["limit"] + 1.1e-4
