"""Figures of reports: terms stacked on the loss axis, every bound on the error axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bounds.certificate.format import significant
from bounds.theorems.bound import Bound

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bounds.certificate.report import Report

# Okabe-Ito, distinguishable with any colour vision; related terms share a hue family.
COLORS = {
    "invariance": "#0072B2",
    "half_invariance": "#0072B2",
    "labeled_residual": "#E69F00",
    "class_bias": "#E69F00",
    "unlabeled_residual": "#F0C75E",
    "reference_on_labeled": "#B8860B",
    "representation_complexity": "#56B4E9",
    "head_complexity": "#CC79A7",
    "head_distance": "#CC79A7",
    "class_frequencies": "#009E73",
    "class_means": "#009E73",
    "pair_frequencies": "#6FC7A8",
    "confidence": "#9AA0A6",
    "test_error": "#E69F00",
}
_OTHER = "#D55E00"
_RC = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "hatch.linewidth": 0.5,
}


def report_figure(report: Report) -> Figure:
    """Two panels for one report."""
    return comparison_figure({report.name: report})


def comparison_figure(reports: Mapping[str, Report]) -> Figure:
    """One row of panels per report, on common axes."""
    import matplotlib.pyplot as plt

    rows = max(len(list(report)) for report in reports.values())
    with plt.rc_context(_RC):
        figure, axes = plt.subplots(
            len(reports),
            2,
            figsize=(7.2, len(reports) * (0.9 + 0.2 * rows)),
            squeeze=False,
            width_ratios=(1.5, 1),
            sharex="col",
            layout="constrained",
        )
        for (name, report), (left, right) in zip(reports.items(), axes, strict=True):
            _loss_panel(left, report, name)
            _error_panel(right, report)
        handles = _legend_handles(reports.values())
        figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=7)
        plt.close(figure)
    return figure


def _loss_panel(axes: Axes, report: Report, name: str) -> None:
    chosen = [bound for bound in report if bound.axis.name == "loss"]
    for y, bound in enumerate(chosen):
        _stack(axes, y, bound)
        axes.annotate(
            significant(bound.value, 3, up=True),
            (bound.value, y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
        measured = report.measured_for(bound)
        if measured is not None:
            axes.plot([measured, measured], [y - 0.38, y + 0.38], color="black", lw=1.4)
    trivial = report.quantities["trivial_loss"]
    _names(axes, chosen)
    _vacuous(axes, trivial, len(chosen))
    axes.set_xlabel("norm loss E‖W f − y‖")
    axes.set_title(name, loc="left", fontsize=8, fontweight="bold")


def _error_panel(axes: Axes, report: Report) -> None:
    chosen = [bound for bound in report if bound.error_rate is not None]
    chosen.sort(key=lambda bound: bound.error_rate or 0.0)
    for y, bound in enumerate(chosen):
        error = bound.error_rate or 0.0
        axes.barh(
            y,
            error,
            height=0.66,
            color="#0072B2" if bound.certified else "white",
            edgecolor="#0072B2",
            hatch=None if bound.certified else "////",
            lw=0.6,
        )
        axes.annotate(
            significant(error, 3, up=True),
            (error, y),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    if report.test_error is not None:
        axes.axvline(report.test_error, color="black", lw=1.2)
    _names(axes, chosen)
    _vacuous(axes, report.quantities["trivial_error"], len(chosen))
    axes.set_xscale("log")
    axes.margins(x=0.25)
    axes.set_xlabel("error rate (log scale)")


def _stack(axes: Axes, y: int, bound: Bound) -> None:
    """Terms side by side; under a root they are shown in proportion, so that the bar ends at the bound."""
    total = sum(max(term.value, 0.0) for term in bound.terms.values())
    scale = bound.value / total if total > 0 else 0.0
    left = 0.0
    for term in bound.terms.values():
        width = max(term.value, 0.0) * scale
        axes.barh(
            y,
            width,
            left=left,
            height=0.66,
            color=COLORS.get(term.name, _OTHER),
            edgecolor="white",
            lw=0.4,
            hatch=None if bound.certified else "////",
        )
        left += width


def _names(axes: Axes, chosen: Sequence[Bound]) -> None:
    axes.set_yticks(range(len(chosen)), [bound.name for bound in chosen])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(chosen) - 0.4, -0.6)


def _vacuous(axes: Axes, trivial: float, rows: int) -> None:
    axes.axvspan(trivial, trivial * 1e6, color="#000000", alpha=0.05, lw=0)
    axes.axvline(trivial, color="#9a3b00", lw=0.9, ls="--")
    limit = max((bar.get_x() + bar.get_width() for bar in axes.patches if hasattr(bar, "get_x")), default=trivial)
    del limit, rows


def _legend_handles(reports: Sequence[Report] | object) -> list[object]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    names: list[str] = []
    for report in reports:  # type: ignore[attr-defined]
        for bound in report:
            if bound.axis.name == "loss":
                names += [term for term in bound.terms if term not in names]
    handles: list[object] = [Patch(color=COLORS.get(name, _OTHER), label=name.replace("_", " ")) for name in names]
    handles.append(Patch(facecolor="white", edgecolor="#555555", hatch="////", label="estimate: an assumption fails"))
    handles.append(Line2D([], [], color="#9a3b00", ls="--", lw=0.9, label="vacuous from here"))
    handles.append(Line2D([], [], color="black", lw=1.4, label="measured on test items"))
    return handles
