"""Figures of reports: terms stacked on the loss axis, every bound on the error axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bounds.report.format import significant
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bounds.report.report import Report

# Terms that play one role share a colour (Okabe-Ito hues, distinguishable with any colour vision).
FAMILIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "invariance": ("#0072B2", ("invariance", "half_invariance")),
    "residual on S, class bias": ("#E69F00", ("labeled_residual", "class_bias", "reference_on_labeled")),
    "residual on S̄": ("#F0E442", ("unlabeled_residual",)),
    "complexity of encoders": ("#56B4E9", ("representation_complexity",)),
    "complexity of heads, c·B": ("#CC79A7", ("head_complexity", "head_distance")),
    "class frequencies, class means": ("#009E73", ("class_frequencies", "class_means", "pair_frequencies")),
    "confidence": ("#9AA0A6", ("confidence",)),
}
OTHER = ("other terms", "#D55E00")
CERTIFIED, VACUOUS = "#0072B2", "#9a3b00"
HATCH = "/////"
SMALLEST = 1e-6  # a zero error rate is drawn here on the logarithmic axis
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.4,
}


def report_figure(report: Report) -> Figure:
    """Two panels for one report."""
    return comparison_figure({report.name: report})


def comparison_figure(reports: Mapping[str, Report]) -> Figure:
    """One row of panels per report, on common axes."""
    import matplotlib.pyplot as plt

    heights = [max(len(_on_loss(report)), len(_on_error(report)), 2) for report in reports.values()]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(reports),
            2,
            figsize=(7.2, 1.0 + sum(0.55 + 0.19 * rows for rows in heights)),
            squeeze=False,
            width_ratios=(1.35, 1),
            height_ratios=heights,
            sharex="col",
            layout="constrained",
        )
        for (name, report), (left, right) in zip(reports.items(), axes, strict=True):
            _loss_panel(left, report)
            _error_panel(right, report)
            left.set_title(name, loc="left", fontsize=9, fontweight="bold")
        axes[0, 0].set_xlim(0, 1.18 * max(v for report in reports.values() for v in _loss_values(report)))
        errors = [max(v, SMALLEST) for report in reports.values() for v in _error_values(report)]
        axes[0, 1].set_xlim(min(errors) / 1.8, max(errors) * 6)
        axes[-1, 0].set_xlabel("norm loss E‖W f − y‖, terms stacked")
        axes[-1, 1].set_xlabel("error rate (log scale)")
        figure.legend(
            handles=_legend(reports.values()), loc="outside lower center", ncols=3, frameon=False, fontsize=7
        )
        plt.close(figure)
    return figure


def _on_loss(report: Report) -> list[Bound]:
    return [bound for bound in report if bound.axis.name == "loss"]


def _on_error(report: Report) -> list[Bound]:
    found = [bound for bound in report if bound.error_rate is not None]
    return sorted(found, key=lambda bound: bound.error_rate or 0.0)


def _loss_values(report: Report) -> list[float]:
    return [report.quantities["trivial_loss"], *(bound.value for bound in _on_loss(report))]


def _error_values(report: Report) -> list[float]:
    bounds = [bound.error_rate or 0.0 for bound in _on_error(report)]
    return [report.quantities["trivial_error"], *([report.test_error] if report.test_error else []), *bounds]


def _loss_panel(axes: Axes, report: Report) -> None:
    chosen = _on_loss(report)
    for y, bound in enumerate(chosen):
        _stack(axes, y, bound)
        _value(axes, bound.value, y)
        measured = report.measured_for(bound)
        if measured is not None:
            axes.plot([measured, measured], [y - 0.4, y + 0.4], color="black", lw=1.3)
    _names(axes, chosen)
    _vacuous(axes, report.quantities["trivial_loss"])


def _error_panel(axes: Axes, report: Report) -> None:
    chosen = _on_error(report)
    axes.set_xscale("log")
    for y, bound in enumerate(chosen):
        error = max(bound.error_rate or 0.0, SMALLEST)
        face = CERTIFIED if bound.certified else "white"
        axes.plot(error, y, "o", ms=4.5, mfc=face, mec=CERTIFIED, mew=0.9, clip_on=False)
        _value(axes, error, y, offset=6)
    if report.test_error:
        axes.axvline(report.test_error, color="black", lw=1.1, zorder=0)
    axes.grid(axis="y", color="#e3e6e9", lw=0.6)
    axes.set_axisbelow(True)
    _names(axes, chosen)
    _vacuous(axes, max(report.quantities["trivial_error"], SMALLEST))


def _stack(axes: Axes, y: int, bound: Bound) -> None:
    """Terms side by side; under a root they are shown in proportion, so that the bar ends at the bound."""
    total = sum(max(term.value, 0.0) for term in bound.terms.values())
    scale = bound.value / total if total > 0 else 0.0
    left = 0.0
    for term in bound.terms.values():
        width = max(term.value, 0.0) * scale
        color, hatch = _color(term.name), None if bound.certified else HATCH
        axes.barh(y, width, left=left, height=0.68, color=color, edgecolor="white", lw=0.4, hatch=hatch)
        left += width


def _value(axes: Axes, x: float, y: float, offset: float = 3) -> None:
    patch = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 7, "bbox": patch}
    axes.annotate(significant(x, 3, up=True), (x, y), (offset, 0), **place)


def _names(axes: Axes, chosen: Sequence[Bound]) -> None:
    axes.set_yticks(range(len(chosen)), [bound.name for bound in chosen])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(chosen) - 0.4, -0.6)


def _vacuous(axes: Axes, trivial: float) -> None:
    axes.axvspan(trivial, 1e12, color="black", alpha=0.05, lw=0, zorder=0)
    axes.axvline(trivial, color=VACUOUS, lw=0.9, ls="--", zorder=0.5)


def _color(term: str) -> str:
    return next((color for color, terms in FAMILIES.values() if term in terms), OTHER[1])


def _legend(reports: Iterable[Report]) -> list[Artist]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    terms = {term for report in reports for bound in _on_loss(report) for term in bound.terms}
    known = {term for _, family in FAMILIES.values() for term in family}
    handles: list[Artist] = [
        Patch(color=color, label=label) for label, (color, family) in FAMILIES.items() if terms & set(family)
    ]
    if terms - known:
        handles.append(Patch(color=OTHER[1], label=OTHER[0]))
    return [
        *handles,
        Patch(
            facecolor="white",
            edgecolor="#555555",
            hatch=HATCH,
            label="estimate (also ○): an assumption fails",
        ),
        Line2D([], [], color=VACUOUS, ls="--", lw=0.9, label="vacuous from here"),
        Line2D([], [], color="black", lw=1.3, label="measured on test items"),
    ]
