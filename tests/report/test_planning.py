"""Plans: the projected size reaches the target, one item fewer does not, and what stops a bound is named."""

import json
import math

import matplotlib as mpl
import numpy as np
import pytest

from bounds.errors import InvalidOption, NotApplicable
from bounds.evaluation import evaluate
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
