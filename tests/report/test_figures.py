"""Figures say what the report says, and nothing in them overlaps, whatever the names and numbers."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

import bounds
from bounds.report.text import error_cell
from tests.report.conftest import HOSTILE, hostile


def boxes(figure):
    """Every text that is drawn, with its place in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for one in figure.findobj(Text):
        if one.get_visible() and one.get_text().strip():
            found.append((one.get_text(), one.get_window_extent(renderer)))
    return found


def overlaps(figure):
    return [
        (first, second)
        for (first, a), (second, b) in combinations(boxes(figure), 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]


def few(report, names):
    return replace(report, bounds={name: report.bounds[name] for name in names})


def test_every_family_has_its_row_and_the_terms_their_bars(whole):
    answer, anatomy = whole.plot().axes
    labels = [label.get_text() for label in answer.get_yticklabels()]
    best = [one.best for one in whole.verdict.families if one.best.error_rate is not None]
    assert labels == [bound.name for bound in best]
    texts = {text.get_text() for text in answer.texts}
    for bound in best:
        if bound.error_rate < 1:
            assert error_cell(bound) in texts
    assert [label.get_text() for label in anatomy.get_yticklabels()] == list(whole["vicreg_certified"].terms)
    widths = [patch.get_width() for patch in anatomy.patches]
    assert sum(widths) == pytest.approx(sum(t.value for t in whole["vicreg_certified"].terms.values()))
    assert answer.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    ("encoders", "bounds_"),
    [(1, 2), (6, 7), *(pytest.param(n, k, marks=pytest.mark.slow) for n in (1, 2, 6) for k in (2, 7, 45))],
)
def test_no_text_overlaps_another(whole, encoders, bounds_):
    report = few(whole, list(whole.bounds)[:bounds_])
    names = ["VICReg", "x" * 200, "SimCLR at 300 epochs, width 64", "a", "שלום", "$x^2$ & _y_"][:encoders]
    assert overlaps(bounds.compare(dict.fromkeys(names, report)).plot()) == []


def test_the_check_sees_an_overlap(whole):
    figure = whole.plot()
    boxes(figure)  # the layout is made when it is drawn
    label = figure.axes[0].get_yticklabels()[0]
    place = label.get_window_extent().get_points().mean(axis=0) / figure.get_size_inches() / figure.dpi
    figure.text(*place, "in the way")
    assert overlaps(figure)


@pytest.mark.parametrize(
    "texts", [HOSTILE[:4], *(pytest.param([text], marks=pytest.mark.slow) for text in HOSTILE)]
)
def test_hostile_names_are_drawn_as_they_are(whole, texts, tmp_path):
    figure = bounds.compare({text: hostile(whole, text) for text in texts} | {"other": whole}).plot()
    assert overlaps(figure) == []
    for suffix in ("svg", "png", "pdf"):
        figure.savefig(tmp_path / f"figure.{suffix}")
    assert "<script" not in (tmp_path / "figure.svg").read_text()


def test_bounds_beyond_one_do_not_squeeze_the_axis(whole):
    huge = replace(whole["supervised"], value=1e6)
    figure = replace(
        few(whole, ["test_set"]), bounds={"supervised": huge, "test_set": whole["test_set"]}
    ).plot()
    assert figure.axes[0].get_xlim() == (0, 1)
    assert any("vacuous" in text.get_text() for text in figure.axes[0].texts)
    assert overlaps(figure) == []


def test_a_users_style_file_wins_over_the_packages_and_what_it_leaves_alone_stays(whole, tmp_path):
    path = tmp_path / "thesis.mplstyle"
    path.write_text("ytick.labelsize: 4.5\naxes.prop_cycle: cycler('color', ['112233'])\n")
    for style in (str(path), path, ["grayscale", path]):
        axes = whole.plot(style=style).axes[1]
        assert {label.get_fontsize() for label in axes.get_yticklabels()} == {4.5}
        assert {patch.get_facecolor()[:3] for patch in axes.patches} == {(0x11 / 255, 0x22 / 255, 0x33 / 255)}
        assert axes.title.get_fontsize() == 9  # of the package's own file


def test_numbers_beside_the_panel_meet_no_mark(whole):
    figure = bounds.compare(dict.fromkeys(["VICReg, 300 epochs, width 64", "b", "c"], whole)).plot()
    boxes(figure)
    axes = figure.axes[0]
    right = (
        axes.get_window_extent().x1 + figure.dpi * 5 / 72
    )  # a mark at the end reaches half its size beyond
    beside = [
        one for one in axes.texts if one.get_text()[0].isdigit() or one.get_text().startswith("vacuous")
    ]
    assert len(beside) > 6
    assert all(one.get_window_extent().x0 > right for one in beside)


def test_a_users_style_wins(whole):
    import matplotlib

    before = dict(matplotlib.rcParams)
    figure = whole.plot(style={"ytick.labelsize": 5.0})
    assert {label.get_fontsize() for label in figure.axes[0].get_yticklabels()} == {5.0}
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("encoders", [1, 3])
def test_few_shot_errors_stand_beside_their_prediction_in_a_panel_of_their_own(encoders):
    rng = np.random.default_rng(0)
    y = np.arange(150) % 3
    option = {"few_shot": {"shots": [5, 1]}}
    reports = {
        f"encoder {j}": bounds.evaluate(
            None,
            (rng.normal(size=(150, 4)) + (1 + j) * np.eye(3, 4)[y], y),
            bounds=["few_shot", "held_out"],
            options=option,
            progress=False,
        )
        for j in range(encoders)
    }
    figure = bounds.compare(reports).plot()
    panel = figure.axes[2]
    assert panel.get_title(loc="left") == "Few-shot error over the labels a class"
    drawn = [line for line in panel.lines if line.get_label() == "predicted from moments"]
    for line, report in zip(drawn, reports.values(), strict=True):
        rows = report["few_shot"].table
        assert list(line.get_xdata()) == [1, 5]
        assert list(line.get_ydata()) == [rows[f"{m} shots"]["predicted"] for m in (1, 5)]
    assert len({line.get_color() for line in drawn}) == encoders
    said = [text.get_text() for text in panel.get_legend().get_texts()]
    assert len(said) == len(set(said)) == 5
    assert overlaps(figure) == []
